"""What the dispatcher asks of the database: which jobs are due, whose turn it is, and what the broker has lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.kernel.ids import PLATFORM_ORG_ID
from domain.queue.ports import entry

if TYPE_CHECKING:
    import psycopg

_PROMOTE: Final = """
    WITH due AS MATERIALIZED (
        SELECT id FROM jobs WHERE state IN ('scheduled', 'retryable') AND run_at <= now()
        ORDER BY run_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs SET state = 'available', queued_at = NULL FROM due WHERE jobs.id = due.id
"""

# The CASE at the end keeps PostgreSQL from joining through `jobs_waiting`, which reads the whole backlog for each batch
# whenever the statistics are older than the backlog.
# One probe an organization, however long the backlog: the recursion jumps from each organization to the next in the
# index `jobs_waiting`. Everybody gets a first job before anybody gets a second, starting after the one served last.
_TAKE: Final = """
    WITH RECURSIVE orgs AS (
        (SELECT org_id FROM jobs WHERE queue = %(queue)s AND state = 'available' AND queued_at IS NULL
         ORDER BY org_id LIMIT 1)
        UNION ALL
        SELECT (SELECT org_id FROM jobs WHERE queue = %(queue)s AND state = 'available' AND queued_at IS NULL
                AND org_id > orgs.org_id ORDER BY org_id LIMIT 1)
        FROM orgs WHERE orgs.org_id IS NOT NULL
    ), share AS (
        SELECT least(%(room)s, ceil(2.0 * %(room)s / greatest(count(*), 1)))::bigint AS each
        FROM orgs WHERE org_id IS NOT NULL
    ), turns AS (
        SELECT waiting.id, orgs.org_id, waiting.turn
        FROM orgs CROSS JOIN LATERAL (
            SELECT id, row_number() OVER (ORDER BY priority, run_at, id) AS turn FROM (
                SELECT id, priority, run_at FROM jobs
                WHERE queue = %(queue)s AND org_id = orgs.org_id AND state = 'available' AND queued_at IS NULL
                ORDER BY priority, run_at, id LIMIT (SELECT each FROM share)
            ) first
        ) waiting
        WHERE orgs.org_id IS NOT NULL
    ), chosen AS (
        SELECT id, turn, org_id FROM turns ORDER BY turn, org_id <= %(after)s, org_id LIMIT %(room)s
    )
    UPDATE jobs SET queued_at = now() FROM chosen
    WHERE jobs.id = chosen.id AND CASE WHEN jobs.state = 'available' THEN jobs.queued_at IS NULL END
    RETURNING jobs.id, jobs.kind, jobs.org_id, chosen.turn, extract(epoch FROM now() - jobs.run_at)::float8
"""

# One probe a queue. Written with EXISTS, PostgreSQL would gather the queues of the whole backlog first.
_OUTLOOK: Final = """
    SELECT (SELECT coalesce(array_agg(name), '{}') FROM queues CROSS JOIN LATERAL (
                SELECT FROM jobs WHERE queue = queues.name AND state = 'available' AND queued_at IS NULL
                ORDER BY org_id LIMIT 1) waiting
            WHERE paused_at IS NULL),
           coalesce((SELECT extract(epoch FROM min(run_at) - clock_timestamp())
                     FROM jobs WHERE state IN ('scheduled', 'retryable'))::float8, 'infinity')
"""

_STALE: Final = """
    SELECT id, kind FROM jobs
    WHERE queue = %s AND state = 'available' AND queued_at < now() - make_interval(secs => %s)
    ORDER BY queued_at LIMIT %s
"""

_UNMARK: Final = "UPDATE jobs SET queued_at = NULL WHERE id = ANY(%s) AND state = 'available'"


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs to hand to the broker, in order. `cursor`: the organization served last; `lag`: longest wait, seconds."""

    ids: Sequence[UUID]
    entries: Sequence[str]
    cursor: UUID
    lag: float


def promote(connection: psycopg.Connection[Any], limit: int) -> int:
    """Make up to `limit` scheduled and retryable jobs available whose time has come; return how many."""
    return connection.execute(_PROMOTE, (limit,), prepare=True).rowcount


def open_queues(connection: psycopg.Connection[Any]) -> Sequence[str]:
    """Return the queues that are not paused."""
    return [name for (name,) in connection.execute("SELECT name FROM queues WHERE paused_at IS NULL", prepare=True)]


def outlook(connection: psycopg.Connection[Any]) -> tuple[Sequence[str], float]:
    """Return the open queues that have jobs to hand over, and the seconds until the next job falls due."""
    row = connection.execute(_OUTLOOK, prepare=True).fetchone()
    return ([], float("inf")) if row is None else (row[0], row[1])


def take(connection: psycopg.Connection[Any], queue: str, room: int, after: UUID = PLATFORM_ORG_ID) -> Batch:
    """Mark up to `room` waiting jobs of a queue as handed over, in turn over the organizations.

    Dispatchers of one queue take turns by an advisory lock that lasts for the caller's transaction.
    """
    locked = connection.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", (f"dispatch {queue}",)).fetchone()
    if locked is None or not locked[0]:
        return Batch([], [], after, 0.0)
    rows = connection.execute(_TAKE, {"queue": queue, "room": room, "after": after}, prepare=True).fetchall()
    rows.sort(key=lambda row: (row[3], row[2] <= after, row[2]))
    return Batch(
        ids=[row[0] for row in rows],
        entries=[entry(row[1], row[0]) for row in rows],
        cursor=rows[-1][2] if rows else after,
        lag=max((row[4] for row in rows), default=0.0),
    )


def stale(connection: psycopg.Connection[Any], queue: str, older_than: float, limit: int) -> dict[str, UUID]:
    """Return jobs handed over more than `older_than` seconds ago that nobody claimed, by their entries."""
    rows = connection.execute(_STALE, (queue, older_than, limit), prepare=True).fetchall()
    return {entry(kind, job_id): job_id for job_id, kind in rows}


def unmark(connection: psycopg.Connection[Any], ids: Sequence[UUID]) -> int:
    """Take the hand-over mark off jobs, so that they are handed over again; return how many."""
    return connection.execute(_UNMARK, (list(ids),)).rowcount
