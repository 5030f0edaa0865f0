"""Which workers and schedulers are there: they register, leave heartbeats, and say when they stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

if TYPE_CHECKING:
    import psycopg

Role = Literal["worker", "scheduler"]


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a process says of itself. A scheduler takes no jobs: it has no queues and no threads for them."""

    id: UUID
    hostname: str
    pid: int
    queues: Sequence[str]
    threads: int
    version: str
    role: Role = "worker"
    rss_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last time that a process was heard of, by its own word and the database's clock."""

    role: Role
    at: datetime


def register(connection: psycopg.Connection[Any], worker: WorkerInfo) -> None:
    """Make a process known; a worker may claim jobs from then on."""
    connection.execute(
        "INSERT INTO workers (id, hostname, pid, queues, threads, version, role, rss_bytes)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            worker.id,
            worker.hostname,
            worker.pid,
            list(worker.queues),
            worker.threads,
            worker.version,
            worker.role,
            worker.rss_bytes,
        ),
    )


def beat(connection: psycopg.Connection[Any], worker_id: UUID, rss_bytes: int | None = None) -> bool:
    """Leave a heartbeat, and say how much memory the process holds.

    False: this worker was declared dead, its jobs are not its own any more; register anew.
    """
    query = """
        UPDATE workers SET heartbeat_at = clock_timestamp(), rss_bytes = coalesce(%s, rss_bytes)
        WHERE id = %s AND stopped_at IS NULL
    """
    return connection.execute(query, (rss_bytes, worker_id)).rowcount == 1


def stop(connection: psycopg.Connection[Any], worker_ids: Sequence[UUID]) -> None:
    """Note that workers stopped: they claim nothing any more, and what they still ran is to be rescued."""
    query = "UPDATE workers SET stopped_at = now() WHERE id = ANY(%s) AND stopped_at IS NULL"
    connection.execute(query, (list(worker_ids),))


def heartbeats(connection: psycopg.Connection[Any]) -> Mapping[UUID, Heartbeat]:
    """Return the last heartbeat of each process that has not stopped."""
    rows = connection.execute("SELECT id, role, heartbeat_at FROM workers WHERE stopped_at IS NULL").fetchall()
    return {worker_id: Heartbeat(role, at) for worker_id, role, at in rows}


def threads_by_queue(connection: psycopg.Connection[Any]) -> Mapping[str, int]:
    """Return how many threads of living workers take jobs of each queue."""
    query = """
        SELECT queue, sum(threads)::integer FROM workers CROSS JOIN unnest(queues) AS queue
        WHERE stopped_at IS NULL GROUP BY queue
    """
    return dict(connection.execute(query).fetchall())


def forget(connection: psycopg.Connection[Any], days: int = 7) -> int:
    """Delete workers that stopped more than `days` ago; return how many."""
    query = "DELETE FROM workers WHERE stopped_at < now() - make_interval(days => %s)"
    return connection.execute(query, (days,)).rowcount
