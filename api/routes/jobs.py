"""Single jobs: looked at, cancelled, run now."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session

from api.access.requires import Access, requires
from api.schemas.jobs import JobDocument, document
from api.schemas.queues import MaybeWhy
from domain.audit.queue import cancel_job, run_job_now
from domain.kernel.errors import NotFoundError
from domain.queue.models import Job

router = APIRouter(tags=["Jobs"])
Viewing = Annotated[Access, requires("queues.view")]
Changing = Annotated[Access, requires("queues.change")]


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
