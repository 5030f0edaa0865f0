"""What each kind of fault does to the house, its servers and the networks between them."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import redis

from tests.chaos.clock import Clock
from tests.chaos.house import Instance, Program, signal_to
from tests.chaos.proxy import Mode, Proxy
from tests.chaos.schedule import Fault
from tests.chaos.servers import PostgresServer, RedisServer, Server

_STEP: Final = (10, 60)


@dataclass
class Struck:
    """A fault that struck: when it began and ended (seconds since the epoch), and what there is to say of it."""

    fault: Fault
    began: float
    ended: float = 0.0
    note: str = ""


@dataclass
class Site:
    """Everything that can be struck."""

    program: Program
    postgres: PostgresServer
    redis: RedisServer
    to_postgres: Proxy
    to_redis: Proxy
    to_provider: Proxy
    clock: Clock
    spool: Path
    locks: dict[str, threading.Lock] = field(default_factory=dict)


class Faults:
    """Strikes. Each kind of `schedule.KINDS` has its method here; several may strike at once, each on its victim."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._locks_lock = threading.Lock()
        killed: dict[str, Callable[[Fault], str]] = {
            "api killed": lambda fault: self._kill("api", fault),
            "worker killed": lambda fault: self._kill("worker", fault),
            "scheduler killed": lambda fault: self._kill("scheduler", fault),
            "worker child killed": lambda fault: self._kill("worker", fault, child=True),
            "all workers killed": lambda _: self._kill_all("worker"),
            "both schedulers killed": lambda _: self._kill_all("scheduler"),
            "worker paused": lambda fault: self._pause("worker", fault),
            "worker paused 30 s": lambda fault: self._pause("worker", fault),
            "scheduler paused": lambda fault: self._pause("scheduler", fault),
            "api paused": lambda fault: self._pause("api", fault),
            "deploy, rolling": self._deploy_rolling,
            "deploy, overlapping": self._deploy_overlapping,
            "clock stepped forward": lambda fault: self._step(fault, 1),
            "clock stepped back": lambda fault: self._step(fault, -1),
            "redis flushed": self._flush,
            "redis restarted": lambda fault: self._restart(site.redis, fault, signal.SIGTERM),
            "redis killed": lambda fault: self._restart(site.redis, fault, signal.SIGKILL),
            "redis frozen": lambda fault: self._freeze(site.redis, fault),
            "postgres restarted": lambda fault: self._restart(site.postgres, fault, signal.SIGINT),
            "postgres killed": lambda fault: self._restart(site.postgres, fault, signal.SIGKILL),
            "postgres backend killed": self._kill_backend,
            "disk full": self._fill_disk,
        }
        networks = {"redis": site.to_redis, "postgres": site.to_postgres, "provider": site.to_provider}
        self._ways = killed
        for name, proxy in networks.items():
            away = "dead" if name == "provider" else "unreachable"
            self._ways |= {
                f"{name} {away}": self._network(proxy, "refuse"),
                f"{name} silent": self._network(proxy, "swallow"),
                f"{name} cut": self._cutting(proxy),
            }
        self._ways["provider dead for minutes"] = self._ways["provider dead"]

    def strike(self, fault: Fault) -> Struck:
        """Let one fault happen; returns when it is over."""
        struck = Struck(fault, time.time())
        try:
            struck.note = self._ways[fault.kind](fault)
        except Exception as error:  # noqa: BLE001  # a fault that fails must not end the run, but be told
            struck.note = f"failed: {type(error).__name__}: {error}"
        struck.ended = time.time()
        return struck

    def _victim(self, group: str, fault: Fault) -> Instance:
        running = self._site.program.house.of(group)
        return running[int(fault.draw * len(running))]

    def _kill(self, group: str, fault: Fault, *, child: bool = False) -> str:
        victim = self._victim(group, fault)
        children = victim.children()
        pid = children[int(fault.draw * 1000) % len(children)] if child and children else victim.pid
        signal_to(pid, signal.SIGKILL)
        return victim.name

    def _kill_all(self, group: str) -> str:
        for one in self._site.program.house.of(group):
            for pid in (one.pid, *one.children()):
                signal_to(pid, signal.SIGKILL)
        return ""

    def _pause(self, group: str, fault: Fault) -> str:
        victim = self._victim(group, fault)
        pids = victim.children() or [victim.pid]
        with self._one_at_a_time(f"pause {victim.name}"):
            for pid in pids:
                signal_to(pid, signal.SIGSTOP)
            _wait(fault.lasts)
            for pid in pids:
                signal_to(pid, signal.SIGCONT)
        return victim.name

    def _deploy_rolling(self, _: Fault) -> str:
        house = self._site.program.house
        with self._one_at_a_time("deploy"):
            for group in ("scheduler", "worker"):
                for one in house.of(group):
                    before = one.process
                    signal_to(one.pid, signal.SIGTERM)
                    _until(lambda one=one, before=before: one.process is not before and one.ready, 60)  # type: ignore[misc]
            # An api has to hand its address over: the new one is up before the old one goes.
            for one in house.of("api"):
                self._site.program.replace(one)
        return ""

    def _deploy_overlapping(self, _: Fault) -> str:
        house = self._site.program.house
        with self._one_at_a_time("deploy"):
            for group in ("api", "worker", "scheduler"):
                for one in house.of(group):
                    self._site.program.replace(one)
        return ""

    def _step(self, fault: Fault, sign: int) -> str:
        clock = self._site.clock
        if not clock.can_step:
            return "not done: needs a C compiler (Debian: apt-get install gcc libc6-dev)"
        seconds = sign * round(_STEP[0] + fault.draw * (_STEP[1] - _STEP[0]))
        with self._one_at_a_time("clock"):
            clock.step(seconds)
            _wait(fault.lasts)
            clock.step(0)
        return f"{seconds:+d} s"

    def _flush(self, _: Fault) -> str:
        with self._site.redis.lock:
            try:
                self._site.redis.flush()
            except redis.RedisError as error:
                return f"failed: {error}"
        return ""

    def _restart(self, server: Server, fault: Fault, number: signal.Signals) -> str:
        with server.lock:
            server.end(number)
            _wait(fault.lasts)
            server.start()
        return ""

    def _freeze(self, server: Server, fault: Fault) -> str:
        with server.lock:
            server.freeze()
            _wait(fault.lasts)
            server.thaw()
        return ""

    def _kill_backend(self, fault: Fault) -> str:
        with self._site.postgres.lock:
            return "" if self._site.postgres.kill_backend(fault.draw) else "failed: there was none"

    def _network(self, proxy: Proxy, mode: Mode) -> Callable[[Fault], str]:
        def strike(fault: Fault) -> str:
            with self._one_at_a_time(f"network {proxy.port}"):
                proxy.set(mode)
                _wait(fault.lasts)
                proxy.set("pass")
            return ""

        return strike

    def _cutting(self, proxy: Proxy) -> Callable[[Fault], str]:
        def strike(_: Fault) -> str:
            proxy.cut()
            return ""

        return strike

    def _fill_disk(self, fault: Fault) -> str:
        """Leave the api no place to put a text: neither server, nor a byte on the file system of its spool."""
        site = self._site
        blocks = site.spool / "everything-else"
        with (
            self._one_at_a_time(f"network {site.to_postgres.port}"),
            self._one_at_a_time(f"network {site.to_redis.port}"),
        ):
            with suppress(OSError), blocks.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            free = shutil.disk_usage(site.spool).free
            site.to_redis.set("refuse")
            site.to_postgres.set("refuse")
            _wait(fault.lasts)
            blocks.unlink(missing_ok=True)
            site.to_redis.set("pass")
            site.to_postgres.set("pass")
        return f"{free} bytes were left"

    def _one_at_a_time(self, what: str) -> threading.Lock:
        with self._locks_lock:
            return self._site.locks.setdefault(what, threading.Lock())


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def _until(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        _wait(0.1)
