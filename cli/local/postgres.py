"""PostgreSQL from its wheel: make a cluster, say how to run it, wait for it, create the roles.

Running it is the supervisor's part. The server listens on the loopback address alone; every login needs a password.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from cli.local import processes
from cli.local.account import Account, run_as
from cli.local.binaries import Binaries
from cli.local.errors import AlreadyRunningError, OtherVersionError, ServerFailedError
from cli.local.ports import HOST

DATABASE = "gatehouse"
SUPERUSER = "postgres"
ROLES_SQL = Path(__file__).parents[2] / "deploy" / "postgres" / "roles.sql"

_START_SECONDS = 60.0
_RECHECK_SECONDS = 0.05
_SOCKET_PATH_LIMIT = 100
"""A socket's address holds 108 bytes on Linux, 104 on macOS; `/.s.PGSQL.65535` is part of it."""

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "max_connections": "200",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%a ",
}
NOT_DURABLE: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
}
"""For a cluster whose data nobody will miss: the tests'."""


@dataclass(frozen=True)
class Postgres:
    """One cluster: its directory, its port on the loopback address, and the account that runs it."""

    data: Path
    port: int
    binaries: Binaries
    account: Account
    superuser_password: str

    def exists(self) -> bool:
        """Tell whether the cluster has been made."""
        return (self.data / "PG_VERSION").exists()

    def create(self) -> None:
        """Make the cluster with `initdb` (about a second). The directory must not hold one yet."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.account.own(self.data)
        password = self.data.with_name(f"{self.data.name}.password")
        password.touch(mode=0o600)
        self.account.own(password)
        password.write_text(self.superuser_password)
        try:
            self._initdb(password)
        finally:
            password.unlink()

    def _initdb(self, password: Path) -> None:
        command = [
            self.binaries.postgres("initdb"),
            f"--pgdata={self.data}",
            f"--username={SUPERUSER}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
            # One call for the whole file system in place of a thousand, which take seconds; only Linux has it.
            *(["--sync-method=syncfs"] if sys.platform == "linux" else []),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **run_as(self.account))
        if done.returncode != 0:
            raise ServerFailedError(
                f"initdb could not create {self.data}:\n{done.stderr.strip()}",
                "Check the free disk space and the directory's permissions.",
            )

    def require_same_version(self) -> None:
        """Raise `OtherVersionError` when the cluster was made by another major version than the installed server."""
        found = (self.data / "PG_VERSION").read_text().strip()
        printed = subprocess.run([self.binaries.postgres("postgres"), "-V"], capture_output=True, text=True, check=True)
        installed = printed.stdout.split()[2].split(".")[0]
        if found != installed:
            raise OtherVersionError(
                f"{self.data} was made by PostgreSQL {found}, but PostgreSQL {installed} is installed.",
                "Set GATEHOUSE_DATA_DIR to a new directory, or dump the data with the old version's pg_dump first. "
                f"If you don't need the data: rm -r {self.data}",
            )

    def clear_stale_pid(self) -> None:
        """Remove the pid file of a server that is gone, which PostgreSQL itself can't tell from a reused pid.

        Raises `AlreadyRunningError` when a server that is not under our supervisor runs on the directory.
        """
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text().partition("\n")[0])
        if processes.identity(pid) is not None and str(self.data) in processes.command_line(pid):
            raise AlreadyRunningError(
                f"A PostgreSQL server that `make up` did not start runs on {self.data} (process {pid}).",
                f"Stop it with: kill -INT {pid}",
            )
        pid_file.unlink()

    def argv(self, settings: Mapping[str, str] | None = None) -> list[str]:
        """Return the server's command line, to be run in the foreground as `account`."""
        values = {**_SETTINGS, "port": str(self.port), "unix_socket_directories": self.socket_directory()}
        values |= settings or {}
        options = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
        return [self.binaries.postgres("postgres"), "-D", str(self.data), *options]

    def socket_directory(self) -> str:
        """Return where the Unix socket goes: the data directory, or nowhere when that path is too long for a socket."""
        return str(self.data) if len(os.fsencode(self.data)) <= _SOCKET_PATH_LIMIT - len("/.s.PGSQL.65535") else ""

    def url(self, role: str, password: str, database: str = DATABASE) -> str:
        """Return the `postgresql://` URL for a role."""
        return f"postgresql://{quote(role)}:{quote(password, safe='')}@{HOST}:{self.port}/{database}"

    def superuser_url(self, database: str = "postgres") -> str:
        """Return the superuser's URL."""
        return self.url(SUPERUSER, self.superuser_password, database)


def wait_ready(url: str, died: Callable[[], bool], *, log: Path, seconds: float = _START_SECONDS) -> None:
    """Return once the server answers a query. Raises `ServerFailedError` when it died or time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            if died() or time.monotonic() > deadline:
                raise ServerFailedError(f"PostgreSQL did not start: {error}", f"Its log says why: {log}") from error
            time.sleep(_RECHECK_SECONDS)
        else:
            return


def apply_roles(binaries: Binaries, superuser_url: str, passwords: Mapping[str, str]) -> None:
    """Create or update the roles and the database by `deploy/postgres/roles.sql`.

    `passwords` has the keys `owner`, `app` and `platform`. The URL may be that of any server, PostgreSQL 14 or later.
    """
    secrets = {f"POSTGRES_{name.upper()}_PASSWORD": passwords[name] for name in ("owner", "app", "platform")}
    parts = psycopg.conninfo.conninfo_to_dict(superuser_url)
    connection = {f"PG{_ENVIRONMENT_NAMES.get(key, key.upper())}": str(value) for key, value in parts.items()}
    done = subprocess.run(
        [binaries.postgres("psql"), "--no-psqlrc", "--quiet", f"--file={ROLES_SQL}"],
        env={**os.environ, **connection, **secrets},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ServerFailedError(f"The database roles could not be created:\n{done.stderr.strip()}", "Check the server.")


_ENVIRONMENT_NAMES = {"dbname": "DATABASE"}
