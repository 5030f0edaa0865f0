"""Wait until somebody waits: for a lock that another transaction of the test holds."""

from __future__ import annotations

from typing import Final

import psycopg

from tests.support.eventually import eventually

_WAITING: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def until_one_waits(superuser_url: str) -> None:
    """Return once a session of this database waits for a lock."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        eventually(lambda: (connection.execute(_WAITING).fetchone() or (0,))[0], what="Waiting for a lock")
