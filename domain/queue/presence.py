"""Which workers are there: they register, leave heartbeats, and say when they stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a worker process says of itself."""

    id: UUID
    hostname: str
    pid: int
    queues: Sequence[str]
    threads: int
    version: str


def register(connection: psycopg.Connection[Any], worker: WorkerInfo) -> None:
    """Make a worker known, so that it may claim jobs."""
    connection.execute(
        "INSERT INTO workers (id, hostname, pid, queues, threads, version) VALUES (%s, %s, %s, %s, %s, %s)",
        (worker.id, worker.hostname, worker.pid, list(worker.queues), worker.threads, worker.version),
    )


def beat(connection: psycopg.Connection[Any], worker_id: UUID) -> bool:
    """Leave a heartbeat. False: this worker was declared dead, its jobs are not its own any more; register anew."""
    query = "UPDATE workers SET heartbeat_at = clock_timestamp() WHERE id = %s AND stopped_at IS NULL"
    return connection.execute(query, (worker_id,)).rowcount == 1


def stop(connection: psycopg.Connection[Any], worker_ids: Sequence[UUID]) -> None:
    """Note that workers stopped: they claim nothing any more, and what they still ran is to be rescued."""
    query = "UPDATE workers SET stopped_at = now() WHERE id = ANY(%s) AND stopped_at IS NULL"
    connection.execute(query, (list(worker_ids),))


def heartbeats(connection: psycopg.Connection[Any]) -> Mapping[UUID, datetime]:
    """Return the last heartbeat of each worker that has not stopped."""
    return dict(connection.execute("SELECT id, heartbeat_at FROM workers WHERE stopped_at IS NULL").fetchall())


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
