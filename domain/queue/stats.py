"""Figures of the queue for health pages and metrics; each reads partial indexes of live work, never history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import psycopg

# Counting stops at a bound: on a backlog of a million, "at least 10,000" is as good an alarm and costs milliseconds.
COUNT_LIMIT: Final = 10_000
_HEADS: Final = 2_000

# Each part names its state as a constant: only then can the planner see that a partial index covers it. Waiting jobs
# are counted queue by queue, so that a flood in one does not hide the others; the rest has no index by queue. How long
# the oldest waits is read from the first job of each tenant and priority, however many are behind it.
_DEPTHS: Final = """
    WITH live AS (
        SELECT queues.name AS queue, 'available' AS state, waiting.run_at, counts FROM queues CROSS JOIN LATERAL (
            (SELECT run_at, true AS counts FROM jobs
             WHERE jobs.queue = queues.name AND state = 'available' AND queued_at IS NULL AND held_by IS NULL
             LIMIT %(limit)s)
            UNION ALL
            (SELECT run_at, true FROM jobs
             WHERE jobs.queue = queues.name AND state = 'available' AND queued_at IS NOT NULL LIMIT %(limit)s)
            UNION ALL
            (WITH RECURSIVE heads AS (
                (SELECT org_id, priority, run_at FROM jobs
                 WHERE jobs.queue = queues.name AND state = 'available' AND queued_at IS NULL AND held_by IS NULL
                 ORDER BY org_id, priority, run_at LIMIT 1)
                UNION ALL
                SELECT following.* FROM heads CROSS JOIN LATERAL (
                    SELECT org_id, priority, run_at FROM jobs
                    WHERE jobs.queue = queues.name AND state = 'available' AND queued_at IS NULL AND held_by IS NULL
                        AND (org_id, priority) > (heads.org_id, heads.priority)
                    ORDER BY org_id, priority, run_at LIMIT 1) following
            ) SELECT run_at, false FROM heads LIMIT %(heads)s)
        ) waiting
        UNION ALL (SELECT queue, 'available', run_at, true FROM jobs WHERE held_by IS NOT NULL LIMIT %(limit)s)
        UNION ALL (SELECT queue, state, run_at, true FROM jobs WHERE state = 'scheduled'
                   ORDER BY run_at LIMIT %(limit)s)
        UNION ALL (SELECT queue, state, run_at, true FROM jobs WHERE state = 'retryable'
                   ORDER BY run_at LIMIT %(limit)s)
        UNION ALL (SELECT queue, state, run_at, true FROM jobs WHERE state = 'executing' LIMIT %(limit)s)
        UNION ALL (SELECT queue, state, run_at, true FROM jobs WHERE state = 'dead' LIMIT %(limit)s)
    )
    SELECT queues.name, states.state, count(live.run_at) FILTER (WHERE live.counts),
           coalesce(extract(epoch FROM now() - min(live.run_at)), 0)::float8
    FROM queues
        CROSS JOIN unnest(ARRAY['scheduled', 'available', 'executing', 'retryable', 'dead']) AS states (state)
        LEFT JOIN live ON live.queue = queues.name AND live.state = states.state
    GROUP BY queues.name, states.state
    ORDER BY queues.name, states.state
"""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many jobs of a queue are in a state, and the seconds since the oldest was due.

    A figure that reaches COUNT_LIMIT means "at least so many".
    """

    queue: str
    state: str
    jobs: int
    oldest_seconds: float


def depths(connection: psycopg.Connection[Any]) -> Sequence[QueueDepth]:
    """Return the depth of every queue in every live state, and of its dead letters."""
    rows = connection.execute(_DEPTHS, {"limit": COUNT_LIMIT, "heads": _HEADS}).fetchall()
    return [QueueDepth(queue, state, jobs, max(0.0, oldest)) for queue, state, jobs, oldest in rows]


# A million dead letters are as good as ten thousand to whoever has to come and look.
_DEAD_BY_KIND: Final = """
    SELECT kind, count(*) FROM (SELECT kind FROM jobs WHERE state = 'dead' LIMIT %s) dead GROUP BY kind
"""
_STAFFING: Final = """
    SELECT queues.name, queues.paused_at IS NOT NULL, count(workers.id)
    FROM queues LEFT JOIN workers ON queues.name = ANY(workers.queues) AND workers.stopped_at IS NULL
        AND workers.heartbeat_at > now() - interval '10 s'
    GROUP BY queues.name
"""


@dataclass(frozen=True, slots=True)
class QueueStaffing:
    """How many living worker processes take jobs of a queue, and whether it is paused."""

    queue: str
    paused: bool
    workers: int


def staffing(connection: psycopg.Connection[Any]) -> Sequence[QueueStaffing]:
    """Return who works on every queue."""
    return [QueueStaffing(*row) for row in connection.execute(_STAFFING).fetchall()]


def dead_by_kind(connection: psycopg.Connection[Any]) -> Mapping[str, int]:
    """Return how many dead letters there are of each kind; at most COUNT_LIMIT in all."""
    return dict(connection.execute(_DEAD_BY_KIND, (COUNT_LIMIT,)).fetchall())


def live_workers(connection: psycopg.Connection[Any]) -> int:
    """Return how many worker processes have left a heartbeat in the last ten seconds."""
    query = """
        SELECT count(*) FROM workers
        WHERE role = 'worker' AND stopped_at IS NULL AND heartbeat_at > now() - interval '10 s'
    """
    row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0])
