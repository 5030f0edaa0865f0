"""The house as a run sees it: instances of its roles, each started again when it dies, and replaced by a deploy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from tests.chaos import reaper
from tests.support.eventually import eventually

ROOT: Final = Path(__file__).parents[2]
_STOP_SECONDS: Final = 45
_LOOK_EVERY: Final = 0.2


@dataclass
class Instance:
    """One running role. `group` is what it does ("worker"); It works once `port` answers, or `marker` is in its log."""

    name: str
    group: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    marker: str = ""
    port: int | None = None
    process: subprocess.Popen[bytes] | None = None
    started: list[int] = field(default_factory=list)
    log_began: int = 0

    def start(self) -> None:
        """Start it; returns at once."""
        self.log_began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv, cwd=ROOT, env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.started.append(self.process.pid)
        reaper.note(self.process.pid)

    @property
    def ready(self) -> bool:
        """Whether the process that runs now answers, or has said that it works."""
        if self.port is not None:
            return _answers(self.port)
        if not self.log.exists():
            return False
        with self.log.open("rb") as log:
            log.seek(self.log_began)
            return self.marker.encode() in log.read()

    @property
    def pid(self) -> int:
        """The process that runs now, or ran last."""
        assert self.process is not None
        return self.process.pid

    def children(self) -> list[int]:
        """Return the processes that do the work, below the one that was started."""
        try:
            found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            return [int(pid) for pid in found if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
        except OSError:
            return []

    def wait_gone(self, seconds: float = _STOP_SECONDS) -> None:
        """Wait for the end of the process; kill it when that takes too long."""
        assert self.process is not None
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Program(Protocol):
    """What is struck: a house and how a new release gets into it."""

    house: House

    @property
    def api_port(self) -> int:
        """Where the newest release takes webhooks."""

    def replace(self, instance: Instance) -> None:
        """Start an instance of the new release beside an old one, and stop that when the new one works."""

    def look_for_missing(self) -> None:
        """Look through the provider's list for texts that never came, if the program can."""


class House:
    """All instances, under a supervisor that starts again what died."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self._instances = {instance.name: instance for instance in instances}
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._everything: list[Instance] = list(instances)

    def start(self) -> None:
        """Start everything and wait until it works."""
        for instance in self._instances.values():
            instance.start()
        self._supervisor.start()
        for instance in list(self._instances.values()):
            eventually(lambda one=instance: one.ready, within=90, what=f"{instance.name}: starting")  # type: ignore[misc]

    def of(self, group: str) -> list[Instance]:
        """Return the instances of a role that are wanted now, by name."""
        with self._lock:
            return sorted((one for one in self._instances.values() if one.group == group), key=lambda one: one.name)

    @property
    def groups(self) -> list[str]:
        """What there is."""
        with self._lock:
            return sorted({one.group for one in self._instances.values()})

    def add(self, instance: Instance) -> None:
        """Start one more and wait until it works (or died and was started again, and works)."""
        with self._lock:
            instance.start()
            self._instances[instance.name] = instance
            self._everything.append(instance)
        eventually(lambda: instance.ready, within=60, what=f"{instance.name}: starting")

    def retire(self, instance: Instance) -> None:
        """Stop one for good as an operator does, and wait."""
        with self._lock:
            self._instances.pop(instance.name, None)
        signal_to(instance.pid, signal.SIGTERM)
        instance.wait_gone()

    def stop(self) -> None:
        """Stop everything, and leave no process behind, not even an orphan."""
        self._stopping.set()
        if self._supervisor.is_alive():
            self._supervisor.join(5)
        running = [one for one in self._everything if one.process is not None]
        for one in running:
            signal_to(one.pid, signal.SIGCONT)
            signal_to(one.pid, signal.SIGTERM)
        for one in running:
            one.wait_gone(15)
            for leader in one.started:
                group_kill(leader)

    def _supervise(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY):
            with self._lock:
                for one in self._instances.values():
                    if one.process is not None and one.process.poll() is not None and not self._stopping.is_set():
                        one.start()


def signal_to(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def group_kill(leader: int) -> None:
    """Kill all that is left of a session that this run began; its number is not reused while a member lives."""
    try:
        if os.getsid(leader) != leader and os.getpgid(leader) != leader:
            return
    except ProcessLookupError:
        pass
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2) as answer:
            return bool(answer.status)
    except urllib.error.HTTPError:
        return True  # it answers; a rival has no such page
    except OSError:
        return False


def command(*arguments: str) -> list[str]:
    """Return the command line of `gatehouse …` in this environment."""
    return [str(Path(sys.executable).with_name("gatehouse")), *arguments]
