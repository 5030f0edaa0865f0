"""Take jobs back from workers that are gone or that were told to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.queue.finish import Finished, finish
from domain.queue.policy import lost

if TYPE_CHECKING:
    import psycopg

BATCH: Final = 500

_ORPHANS: Final = """
    SELECT id, org_id, kind, queue, attempt, attempted_at, lost_count FROM jobs
    WHERE state = 'executing'
        AND NOT EXISTS (SELECT FROM workers WHERE workers.id = jobs.worker_id AND stopped_at IS NULL)
    ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Rescued:
    """A job whose run was lost."""

    id: UUID
    org_id: UUID
    kind: str
    queue: str


def rescue(connection: psycopg.Connection[Any]) -> Sequence[Rescued]:
    """Mark the runs of workers that have stopped as lost and make their jobs runnable again; return those jobs.

    A job that was lost too often becomes dead: it is taken to be what kills its workers.
    """
    orphans = connection.execute(_ORPHANS, (BATCH,)).fetchall()
    if not orphans:
        return []
    runs = [
        Finished(job_id, attempt, started_at, lost(kind=kind, lost_count=lost_count + 1))
        for job_id, _, kind, _, attempt, started_at, lost_count in orphans
    ]
    theirs = finish(connection, runs)
    return [Rescued(*orphan[:4]) for orphan in orphans if orphan[0] in theirs]
