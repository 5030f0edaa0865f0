"""Where measuring happens: a PostgreSQL and a Redis-compatible server of our own, durable as in production."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from cli.local.account import run_as, server_account
from cli.local.binaries import installed, reachable
from cli.local.ports import HOST, free_port
from cli.local.postgres import Postgres
from cli.local.postgres import wait_ready as wait_for_postgres
from cli.local.valkey import Valkey
from cli.local.valkey import wait_ready as wait_for_valkey
from tests.support.databases import Databases, DatabaseUrls

PROCESSES = 2
THREADS = 8
AUTH_TOKEN = "benchmark-auth-token-of-an-account"  # noqa: S105  signs the made-up webhooks
ACCOUNT_SID = "AC" + "0" * 32


@dataclass(frozen=True)
class Stage:
    """The servers of one run. Ours uses Redis database 0, baselines the others."""

    directory: Path
    databases: Databases
    superuser_url: str
    valkey: Valkey
    postgres_pid: int
    valkey_pid: int

    def redis(self, number: int = 0) -> redis.Redis:
        """Return a client of one Redis database."""
        return redis.Redis.from_url(self.valkey.url(number), decode_responses=True)

    @contextmanager
    def fresh(self) -> Iterator[DatabaseUrls]:
        """Give a migrated, empty database and an empty Redis."""
        with self.redis() as client:
            client.flushall()
        with self.databases.migrated() as urls:
            yield urls

    def environment(self, urls: DatabaseUrls, **changes: object) -> dict[str, str]:
        """Return the environment of our roles; `changes` are settings."""
        settings: Mapping[str, object] = {
            "database_url": urls.app,
            "platform_database_url": urls.platform,
            "redis_url": self.valkey.url(),
            "broker_url": self.valkey.url(),
            "data_dir": self.directory / "roles",
            "secret_key": "benchmark" * 4,
            "environment": "test",
            "log_format": "json",
            "worker_processes": PROCESSES,
            "worker_threads": THREADS,
            "metrics_port": 0,
            "twilio__account_sid": ACCOUNT_SID,
            "twilio__auth_token": AUTH_TOKEN,
            **changes,
        }
        ours = {f"GATEHOUSE_{name.upper()}": str(value) for name, value in settings.items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
        return inherited | ours | {"PYTHONUNBUFFERED": "1"}

    def log(self, name: str) -> Path:
        """Return where a process writes its output."""
        return self.directory / f"{name}.log"


@contextmanager
def raised() -> Iterator[Stage]:
    """Start the servers, give the stage, and remove all of it. SIGTERM ends the run as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    directory = Path(tempfile.mkdtemp(prefix="gatehouse-benchmarks-"))
    # Passage for the account that the servers run as when this runs as root.
    directory.chmod(0o711)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        account = server_account()
        binaries = reachable(installed(), account, directory)
        postgres = Postgres(directory / "postgres", free_port(), binaries, account, secrets.token_urlsafe(24))
        postgres.create()
        valkey = Valkey(directory / "valkey", free_port(), binaries, account, secrets.token_urlsafe(24))
        valkey.configure()
        started = {}
        for name, command, gently in (
            ("postgres", postgres.argv(), signal.SIGINT),
            ("valkey", valkey.argv(), signal.SIGTERM),
        ):
            with (directory / f"{name}.log").open("wb") as log:
                process = subprocess.Popen(
                    command, stdout=log, stderr=log, cwd=directory / name, start_new_session=True, **run_as(account)
                )
            stack.callback(end, process, gently)
            started[name] = process
        wait_for_postgres(postgres.superuser_url(), lambda: started["postgres"].poll() is not None, log=directory)
        wait_for_valkey(valkey.url(), lambda: started["valkey"].poll() is not None, log=directory)
        (directory / "run").mkdir()
        yield Stage(
            directory,
            stack.enter_context(closing(Databases(postgres.superuser_url(), directory / "run"))),
            postgres.superuser_url(),
            valkey,
            started["postgres"].pid,
            started["valkey"].pid,
        )


def end(process: subprocess.Popen[bytes], gently: signal.Signals = signal.SIGTERM, seconds: float = 40.0) -> None:
    """Stop a process that this run started, by asking first."""
    if process.poll() is None:
        process.send_signal(gently)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


__all__ = ["HOST", "PROCESSES", "THREADS", "Stage", "end", "raised"]
