"""Jobs and their runs: found, looked at, cancelled, run now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from api.access.requires import Access, requires
from api.schemas.jobs import JobDocument, JobList, RunList, document, run_document, summary
from api.schemas.paging import After, Limit, cursor, id_position, position
from api.schemas.queues import MaybeWhy
from domain.audit.queue import cancel_job, run_job_now
from domain.kernel.errors import NotFoundError
from domain.queue.history import JobFilter, list_jobs
from domain.queue.models import Job
from domain.queue.names import QueueName, State
from domain.queue.runs import RunPlace, list_runs

router = APIRouter(tags=["Jobs"])
Viewing = Annotated[Access, requires("queues.view")]
Changing = Annotated[Access, requires("queues.change")]
_Word = Annotated[str | None, Query(max_length=200)]


def _which(
    state: State | None = None,
    kind: _Word = None,
    queue: QueueName | None = None,
    org_id: UUID | None = None,
    error_class: _Word = None,
    fingerprint: _Word = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> JobFilter:
    return JobFilter(state, kind, queue, org_id, error_class, fingerprint, since, until)


Which = Annotated[JobFilter, Depends(_which)]


@router.get("/api/v1/jobs")
def jobs(access: Viewing, which: Which, limit: Limit = 50, after: After = None) -> JobList:
    """Return jobs, the newest first; `since` and `until` bound when they were made.

    A page looks at a bounded number of jobs. Where few of them fit, it may be short and still have a `next`;
    `looked_until` then says how far it came.
    """
    place = id_position(after)
    with access.platform() as session:
        found = list_jobs(session, which, limit=limit, before=place)
    items = [summary(job) for job in found.jobs]
    following = None if found.next is None else cursor(found.next)
    return JobList(items=items, next=following, looked_until=found.looked_until)


@router.get("/api/v1/runs")
def runs(
    access: Viewing, which: Which, worker_id: UUID | None = None, limit: Limit = 50, after: After = None
) -> RunList:
    """Return runs of jobs, those that began last first: of one worker, or of all in the last hour.

    `since` and `until` bound when they began; `state` is the job's, as it is now.
    """
    found_at = position(after, datetime.fromisoformat, UUID)
    place = None if found_at is None else RunPlace(*found_at)
    with access.platform() as session:
        found = list_runs(session, which, now=datetime.now(UTC), worker_id=worker_id, limit=limit, after=place)
    items = [run_document(run) for run in found.runs]
    following = None if found.next is None else cursor(found.next.started_at.isoformat(), found.next.job_id)
    return RunList(items=items, next=following, looked_until=found.looked_until)


@router.get("/api/v1/jobs/{job_id}")
def one_job(job_id: UUID, access: Viewing) -> JobDocument:
    """Return a job with all its runs, its arguments redacted."""
    with access.platform() as session:
        return _document(session, job_id)


@router.post("/api/v1/jobs/{job_id}/cancel")
def cancel(job_id: UUID, why: MaybeWhy, access: Changing) -> JobDocument:
    """Cancel a live job. One that runs goes on and is not run again: `cancel_requested_at` says so."""
    with access.platform() as session:
        cancel_job(session, job_id, access.actor, why.reason)
        return _document(session, job_id)


@router.post("/api/v1/jobs/{job_id}/run-now")
def run_now(job_id: UUID, why: MaybeWhy, access: Changing) -> JobDocument:
    """Let a job run now that waits for its time or for its next try."""
    with access.platform() as session:
        run_job_now(session, job_id, access.actor, why.reason)
        return _document(session, job_id)


def _document(session: Session, job_id: UUID) -> JobDocument:
    job = session.get(Job, job_id, populate_existing=True)
    if job is None:
        raise NotFoundError(f"There is no job {job_id}.")
    return document(session, job)
