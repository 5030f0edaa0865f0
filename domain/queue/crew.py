"""The worker and scheduler processes as an operator sees them, and what each worker does now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from psycopg.rows import class_row

from domain.kernel.database import raw_connection
from domain.queue.presence import Role

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SILENT_AFTER: Final = 10.0
"""Seconds without a heartbeat after which schedulers declare a process dead."""
RESCUED_WITHIN: Final = 20.0
"""Seconds after its worker was last heard of, until which a job runs again while there is a scheduler."""
MOST: Final = 200
"""Processes of each sort that are shown: there, and stopped."""
_JOBS_EACH: Final = 50

# Those that are there come from a table of a few hundred rows; it is read whole.
_PROCESSES: Final = """
    SELECT id, role, hostname, pid, version, queues, threads, rss_bytes, started_at, heartbeat_at, stopped_at,
           greatest(0, extract(epoch FROM clock_timestamp() - heartbeat_at))::float8 AS silent_seconds
    FROM workers WHERE (stopped_at IS NULL) = %(there)s
    ORDER BY role, coalesce(stopped_at, started_at) DESC, id LIMIT %(most)s
"""
# In the order of its index, so that no statistics make PostgreSQL read anything but work that runs.
_CURRENT: Final = """
    SELECT running.* FROM unnest(%(ids)s::uuid[]) AS worker (id) CROSS JOIN LATERAL (
        SELECT worker_id, id, kind, queue, org_id, attempt,
               greatest(0, extract(epoch FROM clock_timestamp() - attempted_at))::float8 AS seconds
        FROM jobs WHERE state = 'executing' AND worker_id = worker.id ORDER BY worker_id LIMIT %(each)s
    ) running
    ORDER BY seconds DESC
"""


@dataclass(frozen=True, slots=True)
class CurrentJob:
    """A job that runs now, and since how many seconds."""

    worker_id: UUID
    id: UUID
    kind: str
    queue: str
    org_id: UUID
    attempt: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Process:
    """A worker or scheduler. `silent_seconds`: since its last heartbeat, by the database's clock."""

    id: UUID
    role: Role
    hostname: str
    pid: int
    version: str
    queues: Sequence[str]
    threads: int
    rss_bytes: int | None
    started_at: datetime
    heartbeat_at: datetime
    stopped_at: datetime | None
    silent_seconds: float

    @property
    def is_silent(self) -> bool:
        """Whether it should have been heard of, and was not."""
        return self.stopped_at is None and self.silent_seconds > SILENT_AFTER

    @property
    def is_alive(self) -> bool:
        """Whether it was heard of lately and did not stop."""
        return self.stopped_at is None and not self.is_silent


@dataclass(frozen=True, slots=True)
class Crew:
    """All processes that are there, those that stopped lately, and what the former do (by worker, longest first)."""

    there: Sequence[Process]
    stopped: Sequence[Process]
    jobs: dict[UUID, list[CurrentJob]] = field(default_factory=dict)

    def alive(self, role: Role) -> int:
        """Return how many processes of a role are alive."""
        return sum(process.role == role and process.is_alive for process in self.there)


def crew(session: Session) -> Crew:
    """Return who works, in a platform scope. Who stopped a week ago is forgotten."""
    connection = raw_connection(session)
    with connection.cursor(row_factory=class_row(Process)) as cursor:
        there, stopped = (
            cursor.execute(_PROCESSES, {"there": there, "most": MOST}).fetchall() for there in (True, False)
        )
    jobs: dict[UUID, list[CurrentJob]] = defaultdict(list)
    with connection.cursor(row_factory=class_row(CurrentJob)) as running:
        parameters: dict[str, Any] = {"ids": [process.id for process in there], "each": _JOBS_EACH}
        for job in running.execute(_CURRENT, parameters):
            jobs[job.worker_id].append(job)
    return Crew(there, stopped, dict(jobs))
