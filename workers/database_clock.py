"""The time by the database's clock, whatever this machine's wall clock says.

Workers on several machines write times that others read: when an attempt began, until when a job waits. One whose clock
is a minute ahead would have a customer wait a minute too long. So a worker reads the database's clock every few seconds
and counts on from there by the machine's uptime, which nobody sets.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

_READ: Final = "SELECT extract(epoch FROM clock_timestamp())::float8"
_UPTIME: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""On Linux it goes on while the machine sleeps."""
TOO_SLOW: Final = 1.0
"""Seconds: an answer that took longer says too little about what time it was."""


def _uptime() -> float:
    return time.clock_gettime(_UPTIME)


class DatabaseClock:
    """A clock that follows the database's. Until it was read once, it goes by the machine's."""

    def __init__(self, wall: Callable[[], float] = time.time, uptime: Callable[[], float] = _uptime) -> None:
        self._uptime = uptime
        self._began = wall() - uptime()

    def now(self) -> datetime:
        """Return the current time, timezone-aware, in UTC."""
        return datetime.fromtimestamp(self._began + self._uptime(), UTC)

    def read(self, connection: psycopg.Connection[Any]) -> None:
        """Set it by the database's clock. Raises psycopg.Error when that can't be asked; then it counts on."""
        asked = self._uptime()
        row = connection.execute(_READ).fetchone()
        answered = self._uptime()
        if row is not None and answered - asked <= TOO_SLOW:
            self._began = row[0] - (asked + answered) / 2
