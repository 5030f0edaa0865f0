"""A connection of the platform role for one thread's statements: autocommit, prepared, opened again when it breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg

from domain.kernel.recent_errors import note_error

T = TypeVar("T")
_NO_FLUSH: Final = " -c synchronous_commit=off"
_BY_KEY: Final = " -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off"


class PlatformConnection:
    """Belongs to one thread. A statement on a broken connection raises, and the next one reconnects.

    `flush=False` does not wait for the disk at a commit, for what may be forgotten when the *server* crashes: a claim
    or a hand-over, which is made again. Whatever is committed with a wait after it takes it to the disk as well.
    `by_key` is for statements that look a few rows up by their keys: a plan that PostgreSQL made while the tables were
    small, and keeps, would read them whole when they are large.
    """

    def __init__(self, url: str, name: str, *, flush: bool = True, by_key: bool = False) -> None:
        self._url = url
        self._name = name
        self._options = ("" if flush else _NO_FLUSH) + (_BY_KEY if by_key else "")
        self._connection: psycopg.Connection[Any] | None = None

    def run(self, action: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Run `action` on the open connection. Raises psycopg.OperationalError when the server cannot be reached."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
            return action(self._connection)
        except psycopg.OperationalError as error:
            note_error("database", error)
            self.close()
            raise

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            self._url,
            autocommit=True,
            application_name=self._name,
            options=self._options,
            connect_timeout=5,
            keepalives_idle=30,
        )

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
