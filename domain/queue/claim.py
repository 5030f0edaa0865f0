"""Claim jobs for a worker: one statement, many jobs, each to one worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString
from uuid import UUID

from domain.queue.policy import SUSPECT_LOSSES

if TYPE_CHECKING:
    import psycopg

# A copy of an id that is already claimed, finished, paused or not due finds no row. A worker that was declared dead
# claims nothing. Rows are locked in the order of their ids, so that two workers cannot wait for each other. A job that
# is suspected of killing its workers is left to a worker that runs nothing beside it. Where there are limits, a job
# runs only with the dispatcher's mark: an old copy of its id, from before it was handed over anew, does not do. That is
# asked of limits as a whole, once a statement, and not of those that count this very job.
_CLAIM: Final = """
    WITH wanted AS MATERIALIZED (
        SELECT id FROM jobs
        WHERE id = ANY(%(ids)s::uuid[]) AND state = 'available'
            AND (lost_count < %(suspect)s OR %(alone)s)
            AND (queued_at IS NOT NULL OR NOT EXISTS (SELECT FROM queue_limits))
            AND EXISTS (SELECT FROM workers WHERE workers.id = %(worker_id)s::uuid AND stopped_at IS NULL)
            AND NOT EXISTS (SELECT FROM queues WHERE queues.name = jobs.queue AND paused_at IS NOT NULL)
        ORDER BY id
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE jobs
        SET state = 'executing', attempt = attempt + 1, worker_id = %(worker_id)s::uuid, attempted_at = now(),
            queued_at = NULL, held_by = NULL
        FROM wanted WHERE jobs.id = wanted.id
        RETURNING jobs.id, jobs.org_id, jobs.kind, jobs.queue, jobs.args, jobs.attempt, jobs.max_attempts,
                  jobs.lost_count, jobs.correlation_id, jobs.attempted_at,
                  extract(epoch FROM greatest(attempted_at - run_at, interval '0'))::float8
    ), opened AS (
        INSERT INTO job_attempts (job_id, attempt, org_id, worker_id, started_at)
        SELECT id, attempt, org_id, %(worker_id)s::uuid, attempted_at FROM claimed
    )
    SELECT * FROM claimed
"""

_CLAIMED_ALREADY: Final = """
    SELECT id, org_id, kind, queue, args, attempt, max_attempts, lost_count, correlation_id, attempted_at,
           extract(epoch FROM greatest(attempted_at - run_at, interval '0'))::float8
    FROM jobs WHERE id = ANY(%(ids)s::uuid[]) AND state = 'executing' AND worker_id = %(worker_id)s::uuid
"""

_SUSPECTS: Final = "SELECT id FROM jobs WHERE id = ANY(%s::uuid[]) AND state = 'available' AND lost_count >= %s"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that is ours to run, as it was read when it was claimed. `waited`: seconds since it was due."""

    id: UUID
    org_id: UUID
    kind: str
    queue: str
    args: dict[str, Any]
    attempt: int
    max_attempts: int
    lost_count: int
    correlation_id: UUID | None
    started_at: datetime
    waited: float


def claim(
    connection: psycopg.Connection[Any], worker_id: UUID, ids: Sequence[UUID], *, alone: bool = False
) -> list[Claimed]:
    """Claim those of `ids` that can be run now, in the order given; the rest belong to somebody else or are done.

    `alone`: the worker runs nothing else, so it may run a suspect too. `connection` is the platform role's, in
    autocommit.
    """
    return _claimed(connection, _CLAIM, worker_id, ids, suspect=SUSPECT_LOSSES, alone=alone)


def suspects(connection: psycopg.Connection[Any], ids: Sequence[UUID]) -> Sequence[UUID]:
    """Return those of `ids` that wait for a worker that runs nothing else."""
    return [row[0] for row in connection.execute(_SUSPECTS, (list(ids), SUSPECT_LOSSES))]


def claimed_already(connection: psycopg.Connection[Any], worker_id: UUID, ids: Sequence[UUID]) -> list[Claimed]:
    """Return those of `ids` that the worker holds: what a claim won whose answer was lost with its connection."""
    return _claimed(connection, _CLAIMED_ALREADY, worker_id, ids)


def _claimed(
    connection: psycopg.Connection[Any], query: LiteralString, worker_id: UUID, ids: Sequence[UUID], **more: object
) -> list[Claimed]:
    rows = connection.execute(query, {"ids": list(ids), "worker_id": worker_id, **more}, prepare=True).fetchall()
    claimed = {row[0]: Claimed(*row) for row in rows}
    return [claimed[job_id] for job_id in dict.fromkeys(ids) if job_id in claimed]
