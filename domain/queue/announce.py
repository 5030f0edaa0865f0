"""Find jobs that died and of which nobody was told, and enqueue the telling.

A flood must not become a flood of its own: what died of one cause in one organization is told together. Marking and
enqueueing are one transaction, so each death is told once; a letter that is requeued is told again when it dies again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

from config.telemetry import DEATHS
from domain.kernel.database import after_commit, raw_connection
from domain.queue.enqueue import NewJob, enqueue_many
from domain.queue.messages import JOB_DIED, JobDied

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

BATCH: Final = 2_000
GROUP: Final = 200
"""Deaths that one job tells of."""

# A letter that somebody requeues or discards at this moment is left to him.
_TELL: Final = """
    WITH untold AS MATERIALIZED (
        SELECT id FROM jobs WHERE state = 'dead' AND announced_at IS NULL
        ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs SET announced_at = now() FROM untold
    WHERE jobs.id = untold.id AND CASE WHEN jobs.state = 'dead' THEN true END
    RETURNING jobs.id, jobs.org_id, jobs.kind, jobs.fingerprint
"""


def announce(session: Session, limit: int = BATCH) -> int:
    """Mark up to `limit` deaths as told and enqueue their telling for their organizations; return how many.

    The death of a telling is not told: it is a dead letter like any other, and telling it could go on forever.
    """
    died = raw_connection(session).execute(_TELL, (limit,), prepare=True).fetchall()
    for kind, times in Counter(row[2] for row in died).items():
        after_commit(session, partial(DEATHS.labels(kind).inc, times))
    groups: dict[tuple[UUID, str, str], list[UUID]] = defaultdict(list)
    for job_id, org_id, kind, fingerprint in sorted(died):
        if kind != JOB_DIED:
            groups[org_id, kind, fingerprint or ""].append(job_id)
    by_org: dict[UUID, list[NewJob]] = defaultdict(list)
    for (org_id, _, _), ids in groups.items():
        by_org[org_id] += [NewJob(JobDied(tuple(some))) for some in _parts(ids)]
    for org_id, jobs in by_org.items():
        enqueue_many(session, jobs, org_id=org_id)
    return len(died)


def _parts(ids: list[UUID]) -> list[list[UUID]]:
    return [ids[start : start + GROUP] for start in range(0, len(ids), GROUP)]
