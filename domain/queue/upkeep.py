"""Housekeeping of the queue's own tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from domain.kernel.database import raw_connection
from domain.queue.messages import KeepUp
from domain.queue.outcome import Done, Outcome
from domain.queue.presence import forget
from domain.queue.run import Run
from domain.statistics.pruning import prune

if TYPE_CHECKING:
    import psycopg

MONTHS_AHEAD: Final = 2


def keep_up(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Make the coming months' partitions, forget old workers and old statistics; return how many of each."""
    made = connection.execute("SELECT ensure_job_attempt_partitions(%s)", (MONTHS_AHEAD,)).fetchone()
    return {
        "partitions_made": made[0] if made else 0,
        "workers_forgotten": forget(connection),
        "statistics_pruned": prune(connection),
    }


def words_of(done: Mapping[str, int]) -> str:
    """Return in a sentence what `keep_up` did."""
    return (
        f"{done['partitions_made']} partitions made, {done['workers_forgotten']} workers forgotten,"
        f" {done['statistics_pruned']} old statistics pruned."
    )


def keep_up_now(message: KeepUp, run: Run) -> Outcome:
    """Keep up because somebody asked for it."""
    del message
    with run.scope() as session:
        done = keep_up(raw_connection(session))
    return Done(words_of(done))
