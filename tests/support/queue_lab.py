"""A database seen from all sides of the queue: producer, worker, and somebody who looks at the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from domain.kernel.database import Database
from domain.kernel.ids import new_id
from domain.queue.claim import Claimed, claim
from domain.queue.enqueue import enqueue
from domain.queue.finish import Finished, finish
from domain.queue.message import Message
from domain.queue.outcome import Outcome
from domain.queue.presence import WorkerInfo, register
from domain.queue.run import Run
from tests.support.databases import DatabaseUrls
from tests.support.eventually import eventually

ORG = UUID("00000000-0000-7000-8000-000000000001")
OTHER_ORG = UUID("00000000-0000-7000-8000-000000000002")
_KNOWN = "INSERT INTO organizations (id, slug, name) VALUES (%s, %s, 'An organization') ON CONFLICT DO NOTHING"


class Lab:
    """`database` is what producers and use cases hold, `connection` what a worker or a dispatcher holds."""

    def __init__(self, urls: DatabaseUrls) -> None:
        self.urls = urls
        with psycopg.connect(urls.superuser) as connection:
            connection.execute("TRUNCATE jobs, job_attempts, queue_limits, queue_weights")
            for org_id in (ORG, OTHER_ORG):
                connection.execute(_KNOWN, (org_id, str(org_id)))
            connection.execute("DELETE FROM workers WHERE hostname = 'lab'")
            connection.execute("UPDATE queues SET paused_at = NULL, paused_because = NULL, draining_at = NULL")
        self.database = Database(urls.app, urls.platform, pool_size=5)
        self.connection = self.connect()
        self.worker = self.new_worker()

    def connect(self) -> psycopg.Connection[Any]:
        """Open one more connection of the platform role, in autocommit."""
        return psycopg.connect(self.urls.platform, autocommit=True)

    def new_worker(self) -> UUID:
        """Register a worker and return its id."""
        info = WorkerInfo(new_id(), "lab", 1, ["default"], 1, "0")
        register(self.connection, info)
        return info.id

    def enqueue(
        self,
        message: Message,
        *,
        org_id: UUID = ORG,
        priority: int | None = None,
        run_at: datetime | None = None,
        unique_key: str | None = None,
        limit_key: str | None = None,
    ) -> UUID:
        """Enqueue one job in a transaction of its own."""
        with self.database.tenant_scope(org_id) as session:
            return enqueue(
                session,
                message,
                org_id=org_id,
                priority=priority,
                run_at=run_at,
                unique_key=unique_key,
                limit_key=limit_key,
            )

    def claim(self, *ids: UUID, worker: UUID | None = None, alone: bool = True) -> list[Claimed]:
        """Claim jobs as a worker, which runs nothing else unless said otherwise."""
        return claim(self.connection, worker or self.worker, ids, alone=alone)

    def run(self, job_id: UUID, worker: UUID | None = None) -> Run:
        """Claim one job, which must be possible, and return its run."""
        (claimed,) = self.claim(job_id, worker=worker)
        return self.run_of(claimed)

    def run_of(self, claimed: Claimed) -> Run:
        """Return the run of a job that is claimed."""
        return Run(claimed, self.database)

    def end(self, run: Run, outcome: Outcome) -> bool:
        """End a run on its own, as a worker's finisher does; return whether it was still the run's to end."""
        return run.job_id in finish(self.connection, [run.finished(run.ending(outcome))])

    def end_so(self, *runs: Finished) -> set[UUID]:
        """End runs as given."""
        return finish(self.connection, runs)

    def job(self, job_id: UUID) -> dict[str, Any]:
        """Return a job's row."""
        (row,) = self.rows("SELECT * FROM jobs WHERE id = %s", job_id)
        return row

    def wait_state(self, job_id: UUID, *states: str) -> str:
        """Wait until a job is in one of `states`, and return which."""

        def reached() -> str:
            state: str = self.job(job_id)["state"]
            return state if state in states else ""

        return eventually(reached, within=30, what=f"{states} of {job_id}")

    def attempts(self, job_id: UUID) -> list[dict[str, Any]]:
        """Return the rows of a job's attempts, first one first."""
        return self.rows("SELECT * FROM job_attempts WHERE job_id = %s ORDER BY attempt", job_id)

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(SQL(cast("Any", query)), parameters).fetchall()

    def value(self, query: str, *parameters: object) -> Any:  # noqa: ANN401  a column of any type
        """Return the first column of the first row of a query."""
        row = self.connection.execute(SQL(cast("Any", query)), parameters).fetchone()
        return None if row is None else row[0]

    def execute(self, statement: str, *parameters: object) -> int:
        """Execute a statement as the platform and return how many rows it touched."""
        return self.connection.execute(SQL(cast("Any", statement)), parameters).rowcount

    def backlog(
        self,
        org_id: UUID,
        count: int,
        *,
        state: str = "available",
        queue: str = "default",
        kind: str = "test.note",
        args: Mapping[str, object] | None = None,
        lost_count: int = 0,
    ) -> Sequence[UUID]:
        """Insert jobs straight into the table, in the order of the returned ids."""
        ids = [new_id() for _ in range(count)]
        self.execute(
            "INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts, lost_count, finished_at)"
            " SELECT id, %s, %s, %s, %s, %s, 3, %s, CASE WHEN %s IN ('completed', 'dead') THEN now() END"
            " FROM unnest(%s::uuid[]) AS new (id)",
            org_id,
            kind,
            queue,
            Jsonb(args or {}),
            state,
            lost_count,
            state,
            ids,
        )
        return ids

    def close(self) -> None:
        """Close all connections."""
        self.connection.close()
        self.database.close()


@contextmanager
def lab(urls: DatabaseUrls) -> Iterator[Lab]:
    """Give a lab over a database, whose queue is emptied first, and close it afterwards."""
    opened = Lab(urls)
    try:
        yield opened
    finally:
        opened.close()
