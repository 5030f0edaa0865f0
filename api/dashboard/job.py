"""One job: what it is, every run of it, what is next; cancelled and run now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.flash import flash
from api.dashboard.job_words import OUTCOMES, state_cell
from api.dashboard.jobs import PATH
from api.dashboard.organizations import organization_names
from api.dashboard.tables import Cell, Column, Link, State, Table
from api.pages import page
from api.schemas.jobs import AttemptDocument, JobDocument, document
from domain.audit.queue import cancel_job, run_job_now
from domain.kernel.errors import NotFoundError
from domain.queue.models import Job
from domain.queue.names import LIVE_STATES

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("queues.view")]
Changing = Annotated[Access, requires("queues.change")]
Reason = Annotated[str, Form(max_length=500)]
_COLUMNS: Final = (
    Column("run", "Run", "number"),
    Column("began", "Began", "time"),
    Column("waited", "Waited", "duration"),
    Column("took", "Took", "duration"),
    Column("outcome", "Outcome", "state"),
    Column("said", "Said"),
    Column("worker", "Worker", "link"),
)


@router.get(f"{PATH}/{{job_id}}")
def show(request: Request, job_id: UUID, access: Viewing) -> Response:
    """Show a job with all its runs, its arguments redacted."""
    with access.platform() as session:
        job = _find(session, job_id)
        found, held_by = document(session, job), job.held_by
        organization = organization_names(session, {job.org_id})[job.org_id]
    may_change = access.may("queues.change")
    return page(
        "job.html",
        request=request,
        job=found,
        held_by=held_by,
        state=state_cell(job.state),
        organization=organization,
        runs=_runs(found),
        may_cancel=may_change and job.state in LIVE_STATES and job.cancel_requested_at is None,
        may_run=may_change and job.state in {"scheduled", "retryable"},
        leads_to_letter=job.state == "dead" and access.may("dead_letters.view"),
    )


@router.post(f"{PATH}/{{job_id}}/cancel")
def cancel(request: Request, job_id: UUID, access: Changing, reason: Reason = "") -> Response:
    """Cancel a live job."""
    with access.platform() as session:
        came_to = cancel_job(session, job_id, access.actor, reason or None)
    requested = "It runs now and goes on; it will not be run again."
    return _back(request, job_id, "It is cancelled." if came_to == "cancelled" else requested)


@router.post(f"{PATH}/{{job_id}}/run-now")
def run_now(request: Request, job_id: UUID, access: Changing, reason: Reason = "") -> Response:
    """Let a job run now that waits for its time."""
    with access.platform() as session:
        run_job_now(session, job_id, access.actor, reason or None)
    return _back(request, job_id, "It is due now, and runs as soon as its queue has a worker for it.")


def _back(request: Request, job_id: UUID, words: str) -> Response:
    response = RedirectResponse(f"{PATH}/{job_id}", status_code=303)
    flash(request, response, words)
    return response


def _find(session: Session, job_id: UUID) -> Job:
    job = session.get(Job, job_id)
    if job is None:
        raise NotFoundError(f"There is no job {job_id}.")
    return job


def _runs(job: JobDocument) -> Table:
    ready = job.created_at
    rows = []
    for attempt in job.attempts:
        rows.append(_row(attempt, max((attempt.started_at - ready).total_seconds(), 0)))
        ready = attempt.finished_at or attempt.started_at
    empty = "It has not run yet." if job.state in LIVE_STATES else "It never ran."
    return Table(_COLUMNS, rows, caption="Runs", empty=empty)


def _row(attempt: AttemptDocument, waited: float) -> Sequence[Cell]:
    words, tone = OUTCOMES[attempt.outcome]
    return (
        attempt.attempt,
        attempt.started_at,
        waited,
        None if attempt.finished_at is None else attempt.finished_at - attempt.started_at,
        State(tone, words, attempt.error_class or ""),
        attempt.reason,
        Link(str(attempt.worker_id)[-8:], f"{PATH}?worker={attempt.worker_id}") if attempt.worker_id else None,
    )
