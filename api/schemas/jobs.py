"""Jobs as documents: reasons and arguments redacted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.schemas.paging import Page
from domain.kernel.redaction import redact, redact_text
from domain.queue.history import ListedJob
from domain.queue.models import Job, JobAttempt
from domain.queue.runs import ListedRun


class JobSummary(BaseModel):
    """One job, as lists show it. `error`: what it failed of last."""

    id: UUID
    org_id: UUID
    kind: str
    queue: str
    state: str
    attempt: int
    max_attempts: int
    created_at: datetime
    run_at: datetime
    finished_at: datetime | None
    subject: str | None
    correlation_id: UUID | None
    fingerprint: str | None
    error_class: str | None
    error: str | None


class JobList(Page[JobSummary]):
    """One page of jobs, the newest first. `looked_until`: it is short, because only jobs made since then were seen."""

    looked_until: datetime | None


class RunDocument(BaseModel):
    """One run of a job. `outcome` and `finished_at` are empty while it runs; `state` is the job's, as it is now."""

    job_id: UUID
    attempt: int
    kind: str
    queue: str
    org_id: UUID
    state: str
    worker_id: UUID | None
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    error_class: str | None
    reason: str | None
    correlation_id: UUID | None


class RunList(Page[RunDocument]):
    """One page of runs, the newest first. `looked_until`: only runs that began since then were seen."""

    looked_until: datetime | None


class AttemptDocument(BaseModel):
    """One run of a job."""

    attempt: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    error_class: str | None
    reason: str | None
    worker_id: UUID | None


class JobDocument(JobSummary):
    """One job with its arguments and all its runs. `revealed`: the arguments are shown as they are stored."""

    args: dict[str, Any]
    revealed: bool
    priority: int
    unique_key: str | None
    cancel_requested_at: datetime | None
    attempts: list[AttemptDocument]


def summary(job: Job | ListedJob) -> JobSummary:
    """Return a job as lists show it."""
    return JobSummary(**_common(job))


def run_document(run: ListedRun) -> RunDocument:
    """Return a run as lists show it."""
    named = {name: getattr(run, name) for name in RunDocument.model_fields if name != "reason"}
    return RunDocument(**named, reason=None if run.reason is None else redact_text(run.reason))


def document(session: Session, job: Job, *, reveal: bool = False) -> JobDocument:
    """Return a job with everything that is on record about it."""
    query = select(JobAttempt).where(JobAttempt.job_id == job.id).order_by(JobAttempt.attempt)
    return JobDocument(
        **_common(job),
        args=job.args if reveal else cast("dict[str, Any]", redact(job.args)),
        revealed=reveal,
        priority=job.priority,
        unique_key=None if job.unique_key is None else redact_text(job.unique_key),
        cancel_requested_at=job.cancel_requested_at,
        attempts=_attempts(session.scalars(query).all()),
    )


def _common(job: Job | ListedJob) -> dict[str, Any]:
    named = {name: getattr(job, name) for name in JobSummary.model_fields if name != "error"}
    return named | {"error": None if job.last_error is None else redact_text(job.last_error)}


def _attempts(attempts: Sequence[JobAttempt]) -> list[AttemptDocument]:
    return [
        AttemptDocument(
            attempt=one.attempt,
            started_at=one.started_at,
            finished_at=one.finished_at,
            outcome=one.outcome,
            error_class=one.error_class,
            reason=None if one.reason is None else redact_text(one.reason),
            worker_id=one.worker_id,
        )
        for one in attempts
    ]
