"""What the dispatcher asks of the database: which jobs are due, whose turn it is, and what the broker has lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.queue.allowed import take_allowed
from domain.queue.ports import entry
from domain.queue.turns import START, Cursor, take_turns

if TYPE_CHECKING:
    import psycopg

_PROMOTE: Final = """
    WITH due AS MATERIALIZED (
        SELECT id FROM jobs WHERE state IN ('scheduled', 'retryable') AND run_at <= now()
        ORDER BY run_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs SET state = 'available', queued_at = NULL FROM due WHERE jobs.id = due.id
"""

# Limits cost nothing while there are none: that is looked up together with the lock.
_LOCK: Final = """
    SELECT pg_try_advisory_xact_lock(hashtext(%s)),
           EXISTS (SELECT FROM queue_limits) OR EXISTS (SELECT FROM jobs WHERE held_by IS NOT NULL)
"""

# One probe a queue. Written with EXISTS, PostgreSQL would gather the queues of the whole backlog first.
_OUTLOOK: Final = """
    SELECT (SELECT coalesce(array_agg(name), '{}') FROM queues CROSS JOIN LATERAL (
                SELECT FROM jobs
                WHERE queue = queues.name AND state = 'available' AND queued_at IS NULL AND held_by IS NULL
                ORDER BY org_id LIMIT 1) waiting
            WHERE paused_at IS NULL),
           (SELECT true FROM jobs WHERE held_by IS NOT NULL ORDER BY held_by LIMIT 1),
           coalesce((SELECT extract(epoch FROM min(run_at) - clock_timestamp())
                     FROM jobs WHERE state IN ('scheduled', 'retryable'))::float8, 'infinity')
"""

# One probe for each limit that holds jobs back, and for each of them and each queue.
_HELD: Final = """
    WITH RECURSIVE holders AS (
        (SELECT held_by FROM jobs WHERE held_by IS NOT NULL ORDER BY held_by LIMIT 1)
        UNION ALL
        SELECT (SELECT held_by FROM jobs WHERE held_by > holders.held_by ORDER BY held_by LIMIT 1)
        FROM holders WHERE held_by IS NOT NULL
    )
    SELECT DISTINCT name FROM holders CROSS JOIN queues CROSS JOIN LATERAL (
        SELECT FROM jobs WHERE held_by = holders.held_by AND queue = queues.name ORDER BY org_id LIMIT 1) held
    WHERE paused_at IS NULL
"""

_STALE: Final = """
    SELECT id, kind FROM jobs
    WHERE queue = %s AND state = 'available' AND queued_at < now() - make_interval(secs => %s)
    ORDER BY queued_at LIMIT %s
"""

_TAKE_BACK: Final = """
    UPDATE jobs SET queued_at = NULL FROM queues
    WHERE queues.paused_at IS NOT NULL AND queue = queues.name AND state = 'available'
        AND queued_at < now() - make_interval(secs => %s)
"""

_UNMARK: Final = "UPDATE jobs SET queued_at = NULL WHERE id = ANY(%s) AND state = 'available'"


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs to hand to the broker, in order. `more`: whether more may wait for their turn; `lag`: longest wait, seconds.

    `cursor`: where the next batch begins.
    """

    cursor: Cursor
    ids: Sequence[UUID] = ()
    entries: Sequence[str] = ()
    lag: float = 0.0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Outlook:
    """Open queues in which jobs wait for their turn, or are held by a limit, and the seconds until the next is due."""

    waiting: Sequence[str]
    held: Sequence[str]
    next_due: float


def promote(connection: psycopg.Connection[Any], limit: int) -> int:
    """Make up to `limit` scheduled and retryable jobs available whose time has come; return how many."""
    return connection.execute(_PROMOTE, (limit,), prepare=True).rowcount


def open_queues(connection: psycopg.Connection[Any]) -> Sequence[str]:
    """Return the queues that are not paused."""
    return [name for (name,) in connection.execute("SELECT name FROM queues WHERE paused_at IS NULL", prepare=True)]


def outlook(connection: psycopg.Connection[Any]) -> Outlook:
    """Return what there is to hand over, and when there is more."""
    row = connection.execute(_OUTLOOK, prepare=True).fetchone()
    waiting, any_held, next_due = row or ([], None, float("inf"))
    held = [name for (name,) in connection.execute(_HELD, prepare=True)] if any_held else []
    return Outlook(waiting, held, next_due)


def take(connection: psycopg.Connection[Any], queue: str, room: int, after: Cursor = START) -> Batch | None:
    """Mark up to `room` waiting jobs of a queue as handed over, in turn over the tenants, as far as limits allow.

    Dispatchers of one queue take turns by an advisory lock that lasts for the caller's transaction; None: another
    dispatcher is at it.
    """
    locked = connection.execute(_LOCK, (f"dispatch {queue}",), prepare=True).fetchone()
    if locked is None or not locked[0]:
        return None
    turns = take_allowed if locked[1] else take_turns
    taken, cursor, more = turns(connection, queue, room, after)
    return Batch(
        cursor=cursor,
        ids=[job.id for job in taken],
        entries=[entry(job.kind, job.id) for job in taken],
        lag=max((job.waited for job in taken), default=0.0),
        more=more,
    )


def stale(connection: psycopg.Connection[Any], queue: str, older_than: float, limit: int) -> dict[str, UUID]:
    """Return jobs handed over more than `older_than` seconds ago that nobody claimed, by their entries."""
    rows = connection.execute(_STALE, (queue, older_than, limit), prepare=True).fetchall()
    return {entry(kind, job_id): job_id for job_id, kind in rows}


def unmark(connection: psycopg.Connection[Any], ids: Sequence[UUID]) -> int:
    """Take the hand-over mark off jobs, so that they are handed over again; return how many."""
    return connection.execute(_UNMARK, (list(ids),)).rowcount


def take_back(connection: psycopg.Connection[Any], older_than: float) -> int:
    """Take the marks off jobs of paused queues, which nobody claims: they would fill places under limits."""
    return connection.execute(_TAKE_BACK, (older_than,)).rowcount
