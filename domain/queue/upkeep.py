"""Housekeeping of the queue's own tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.queue.presence import forget

if TYPE_CHECKING:
    import psycopg

MONTHS_AHEAD: Final = 2


def keep_up(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Make the partitions of the coming months and forget workers that stopped a week ago; return the counts."""
    made = connection.execute("SELECT ensure_job_attempt_partitions(%s)", (MONTHS_AHEAD,)).fetchone()
    return {"partitions_made": made[0] if made else 0, "workers_forgotten": forget(connection)}
