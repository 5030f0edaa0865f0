"""Read the flags from the database, over a connection of its own that opens again when it breaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import psycopg

from domain.flags.ports import FlagState
from domain.flags.state import FLAGS, VERSION, states
from domain.kernel.database import psycopg_url

# Whoever looks has only this to do, but what it waits for in vain it must not wait for long.
_PATIENCE: Final[Mapping[str, Any]] = {
    "options": "-c statement_timeout=2s",
    "connect_timeout": 2,
    "tcp_user_timeout": 3_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
}


class FlagTable:
    """Belongs to one thread. What goes wrong raises psycopg.Error, and the next read connects anew."""

    def __init__(self, platform_url: str) -> None:
        self._url = psycopg_url(platform_url)
        self._connection: psycopg.Connection[Any] | None = None

    def version(self) -> tuple[int, int]:
        """Return what differs after every change: one row of two small sums."""
        row = self._run(VERSION)[0]
        return int(row[0]), int(row[1])

    def read(self) -> Mapping[str, FlagState]:
        """Return all flags as of one instant, by name."""
        return states(self._run(FLAGS))

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _run(self, query: str) -> list[tuple[Any, ...]]:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(
                    self._url, autocommit=True, application_name="gatehouse-flags", prepare_threshold=2, **_PATIENCE
                )
            return self._connection.execute(query).fetchall()
        except psycopg.Error:
            self.close()
            raise
