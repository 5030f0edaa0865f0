"""Runs of jobs, newest first: of one worker, or of all that ran anything lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from psycopg.sql import SQL

from domain.kernel.database import raw_connection
from domain.queue.history import JobFilter
from domain.queue.names import State
from domain.queue.policy import AttemptOutcome

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.orm import Session

SCAN: Final = 2_000
"""Runs of one worker that one page looks at, at most."""
SCAN_EACH: Final = 250
"""The same, of each worker, for a page of all workers' runs."""
RECENT: Final = timedelta(hours=1)
"""A page of all workers' runs goes no further back, and leaves out workers that stopped before."""

_FILTER: Final = """(%(state)s::text IS NULL OR job.state = %(state)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(queue)s::text IS NULL OR queue = %(queue)s) AND (%(org_id)s::uuid IS NULL OR run.org_id = %(org_id)s)
    AND (%(error_class)s::text IS NULL OR run.error_class = %(error_class)s)
    AND (%(fingerprint)s::text IS NULL OR fingerprint = %(fingerprint)s)"""
_LIST: Final = """
    SELECT run.job_id, run.attempt, run.started_at, run.finished_at, run.outcome, run.error_class,
           left(run.reason, 500) AS reason, run.worker_id, run.org_id, job.kind, job.queue, job.state,
           job.correlation_id
    FROM ({runs}) run CROSS JOIN LATERAL (
        SELECT kind, queue, state, fingerprint, correlation_id FROM jobs WHERE id = run.job_id) job
    WHERE {filter} ORDER BY run.started_at DESC, run.job_id DESC LIMIT %(limit)s + 1
"""
# `<rest>`: how many of them. Rows of one claim began at the same time, so the job's id goes with it.
_RUNS: Final = """
    SELECT * FROM job_attempts
    WHERE worker_id = <worker> AND started_at <= %(before)s AND (started_at, job_id) < (%(before)s, %(before_job)s)
        AND started_at >= %(since)s
    ORDER BY started_at DESC, job_id DESC <rest>
"""
_OF_ONE: Final = _RUNS.replace("<worker>", "%(worker_id)s")
_OF_EACH: Final = """
    SELECT recent.* FROM workers CROSS JOIN LATERAL (<runs>) recent
    WHERE workers.role = 'worker' AND (stopped_at IS NULL OR stopped_at >= %(since)s)
""".replace("<runs>", _RUNS.replace("<worker>", "workers.id"))
_LOOK: Final = "LIMIT %(scan)s"
_STOP: Final = "OFFSET %(scan)s - 1 LIMIT 1"
# What has to be found by its key is not to be read whole, whatever the statistics say of it.
_BY_KEY: Final = """
    SELECT set_config(name, 'off', true)
    FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_sort'])
        AS plan (name)
"""
_LAST_JOB: Final = UUID(int=2**128 - 1)


class RunPlace(NamedTuple):
    """Where in the list, newest first, a run stands."""

    started_at: datetime
    job_id: UUID


@dataclass(frozen=True, slots=True)
class ListedRun:
    """One run of a job. `outcome` and `finished_at` are empty while it runs; `state`: the job's, as it is now."""

    job_id: UUID
    attempt: int
    started_at: datetime
    finished_at: datetime | None
    outcome: AttemptOutcome | None
    error_class: str | None
    reason: str | None
    worker_id: UUID | None
    org_id: UUID
    kind: str
    queue: str
    state: State
    correlation_id: UUID | None

    @property
    def place(self) -> RunPlace:
        """Where it stands."""
        return RunPlace(self.started_at, self.job_id)


@dataclass(frozen=True, slots=True)
class RunPage:
    """Runs, newest first. `next`: the place after which to go on, None at the end.

    `looked_until`: the page is short because only runs that began since then were looked at.
    """

    runs: Sequence[ListedRun] = field(default_factory=list)
    next: RunPlace | None = None
    looked_until: datetime | None = None


def list_runs(
    session: Session,
    which: JobFilter,
    *,
    now: datetime,
    worker_id: UUID | None = None,
    limit: int = 50,
    after: RunPlace | None = None,
) -> RunPage:
    """Return a page of runs that fit: of one worker since it began, or of all in the last hour. In a platform scope.

    `which.since` and `which.until` bound when the run began.
    """
    connection = raw_connection(session)
    connection.execute(_BY_KEY)
    oldest = datetime.min.replace(tzinfo=now.tzinfo) if worker_id else now - RECENT
    newest = min([*([which.until] if which.until else []), *([after.started_at] if after else []), _end(now)])
    values = which.parameters(None) | {
        "worker_id": worker_id,
        "before": newest,
        "before_job": after.job_id if after and after.started_at == newest else _LAST_JOB,
        "since": max(which.since or oldest, oldest),
        "limit": limit,
        "scan": SCAN if worker_id else SCAN_EACH,
    }
    source = _OF_ONE if worker_id else _OF_EACH
    query = SQL(_LIST).format(runs=SQL(source.replace("<rest>", _LOOK)), filter=SQL(_FILTER))
    with connection.cursor(row_factory=class_row(ListedRun)) as cursor:
        runs = cursor.execute(query, values).fetchall()
    stop = _stop(connection, source, values)
    if stop is not None:
        runs = [run for run in runs if run.place >= stop]
    if len(runs) > limit:
        return RunPage(runs[:limit], runs[limit - 1].place)
    if stop is not None:
        return RunPage(runs, stop, stop.started_at)
    return RunPage(runs, None, None if worker_id else now - RECENT)


def _stop(connection: psycopg.Connection[Any], source: LiteralString, values: Mapping[str, object]) -> RunPlace | None:
    """Return where the looking stopped: the newest such run, of all workers that have older ones."""
    query = SQL("SELECT started_at, job_id FROM ({}) stops ORDER BY 1 DESC, 2 DESC LIMIT 1")
    row = connection.execute(query.format(SQL(source.replace("<rest>", _STOP))), values).fetchone()
    return None if row is None else RunPlace(*row)


def _end(now: datetime) -> datetime:
    """Return a time that no run has begun at yet, also where the database's clock is ahead of ours."""
    return now + timedelta(days=1)
