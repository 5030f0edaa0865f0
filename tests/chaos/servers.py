"""PostgreSQL and Redis of one run alone, durable as in production, as direct children, so they can be killed."""

from __future__ import annotations

import secrets
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

from cli.local.account import run_as, server_account
from cli.local.binaries import installed, reachable
from cli.local.errors import ServerFailedError
from cli.local.ports import free_port
from cli.local.postgres import DATABASE, Postgres, apply_roles
from cli.local.postgres import wait_ready as wait_for_postgres
from cli.local.valkey import Valkey
from cli.local.valkey import wait_ready as wait_for_valkey
from migrations.apply import upgrade
from tests.chaos import reaper
from tests.support.databases import DatabaseUrls

_ROLES: Final = ("owner", "app", "platform")
_START_TRIES: Final = 40


def through(url: str, port: int) -> str:
    """Return a server's URL by way of a proxy."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}"))


@dataclass
class Server:
    """A server that can be stopped, killed, frozen and started again. `lock`: one such thing at a time."""

    name: str
    directory: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        for _ in range(_START_TRIES):
            with (self.directory / f"{self.name}.log").open("ab") as log:
                self.process = subprocess.Popen(
                    self._argv(), stdout=log, stderr=log, start_new_session=True, **run_as(server_account())
                )
            reaper.note(self.process.pid)
            try:
                self._wait(self.process)
            except ServerFailedError:
                if self.process.poll() is None:
                    raise
                # What was killed still holds the shared memory for a moment.
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"{self.name} does not start; see {self.directory}")

    def end(self, number: signal.Signals, *, seconds: float = 60) -> None:
        """End it by a signal and wait."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        """Let it hang."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _argv(self) -> list[str]:
        raise AssertionError

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        raise AssertionError(process)


class PostgresServer(Server):
    """A cluster with fsync, and the migrated database in it."""

    def __init__(self, directory: Path) -> None:
        super().__init__("postgres", directory)
        account = server_account()
        self._postgres = Postgres(
            directory / "postgres",
            free_port(),
            reachable(installed(), account, directory),
            account,
            secrets.token_urlsafe(24),
        )
        self._passwords = {role: secrets.token_urlsafe(24) for role in _ROLES}
        self._postgres.create()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._postgres.port

    def prepare(self) -> DatabaseUrls:
        """Create roles and schema; return how to reach the database."""
        apply_roles(self._postgres.binaries, self._postgres.superuser_url(), self._passwords)
        urls = {role: self._postgres.url(f"gatehouse_{role}", self._passwords[role]) for role in _ROLES}
        upgrade(urls["owner"])
        return DatabaseUrls(name=DATABASE, superuser=self._postgres.superuser_url(DATABASE), **urls)

    def kill_backend(self, draw: float) -> bool:
        """Kill one of the processes that serve the house; False when there was none."""
        try:
            with psycopg.connect(self._postgres.superuser_url(DATABASE), connect_timeout=5) as connection:
                rows = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE usename LIKE 'gatehouse_%' ORDER BY pid"
                ).fetchall()
        except psycopg.Error:
            return False
        if not rows:
            return False
        victim = rows[int(draw * len(rows))][0]
        return subprocess.run(["kill", "-9", str(victim)], check=False).returncode == 0  # noqa: S607

    def start(self) -> None:
        """Start it after what is left of a killed one is gone."""
        pid_file = self._postgres.data / "postmaster.pid"
        if self.process is not None:
            # Its number may belong to another process by now, which PostgreSQL can't tell from itself.
            pid_file.unlink(missing_ok=True)
        super().start()

    def _argv(self) -> list[str]:
        return self._postgres.argv()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        wait_for_postgres(
            self._postgres.superuser_url(), lambda: process.poll() is not None, log=self.directory / "postgres.log"
        )


class RedisServer(Server):
    """A server with an append-only file, written to the disk every second."""

    def __init__(self, directory: Path) -> None:
        super().__init__("valkey", directory)
        account = server_account()
        self._valkey = Valkey(
            directory / "valkey",
            free_port(),
            reachable(installed(), account, directory),
            account,
            secrets.token_urlsafe(24),
        )
        self._valkey.configure()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._valkey.port

    @property
    def url(self) -> str:
        """Its address, not by way of a proxy."""
        return self._valkey.url()

    def flush(self) -> None:
        """Forget everything."""
        with redis.Redis.from_url(self.url, socket_timeout=5) as client:
            client.flushall()

    def _argv(self) -> list[str]:
        return self._valkey.argv()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        wait_for_valkey(self.url, lambda: process.poll() is not None, log=self.directory / "valkey.log")
