"""Jobs and runs: found by what is known of them, and followed live."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, get_args
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access.requires import Access, requires
from api.dashboard.filters import Field, Filters, TimeRange, time_range
from api.dashboard.frame import hub_for
from api.dashboard.job_words import OUTCOMES, STATES, state_cell
from api.dashboard.organizations import organization_field, organization_names
from api.dashboard.tables import Cell, Column, Link, State, Table, Text, csv_response, wants_csv
from api.errors import ProblemError
from api.pages import page
from api.schemas.paging import After, cursor, id_position, position
from domain.deadletters.kinds import load_kinds
from domain.kernel.redaction import redact_text
from domain.queue.history import JobFilter, ListedJob, list_jobs
from domain.queue.message import specs
from domain.queue.names import QUEUES
from domain.queue.names import State as JobState
from domain.queue.runs import ListedRun, RunPlace, list_runs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("queues.view")]
PATH: Final = "/dashboard/jobs"
_PAGE: Final = 50
_LONGEST: Final = 200
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}")
_JOBS: Final = (
    Column("made", "Made", "time"),
    Column("kind", "Kind", "link"),
    Column("state", "State", "state"),
    Column("queue", "Queue"),
    Column("organization", "Organization"),
    Column("tries", "Runs", "number"),
    Column("error", "Failed of"),
    Column("journey", "Journey", "link"),
)
_RUNS: Final = (
    Column("began", "Began", "time"),
    Column("kind", "Kind", "link"),
    Column("outcome", "Outcome", "state"),
    Column("took", "Took", "duration"),
    Column("queue", "Queue"),
    Column("organization", "Organization"),
    Column("error", "Said"),
    Column("worker", "Worker", "link"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page's address asks for. `runs`: single runs instead of jobs, `tail`: live."""

    which: JobFilter
    time: TimeRange
    worker_id: UUID | None
    runs: bool
    tail: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list. `looked_until`: few fit, so only what came since then was looked at."""

    table: Table
    looked_until: datetime | None


@router.get(PATH)
def show(request: Request, access: Viewing, after: After = None) -> Response:
    """Show jobs or runs, the newest first."""
    asked = _asked(request, access)
    if wants_csv(request):
        name = "runs" if asked.runs else "jobs"
        return csv_response(request, name, lambda place: _listed(access, asked, place).table)
    listed = _listed(access, asked, None if asked.tail else after)
    with access.platform() as session:
        form = _form(request, access, session, asked)
    return page(
        "jobs.html",
        request=request,
        asked=asked,
        form=form,
        table_of=listed.table,
        looked_until=listed.looked_until,
        may_tail=_may_tail(request, access),
    )


def _asked(request: Request, access: Access) -> Asked:
    query = {name: value.strip()[:_LONGEST] for name, value in request.query_params.items()}
    time, error = time_range(request, default="all"), query.get("error", "")
    state = query.get("state", "")
    if state and state not in get_args(JobState):
        raise ProblemError(422, f"There is no state {state!r}.")
    is_fingerprint = _FINGERPRINT.fullmatch(error) is not None
    worker = _id(query.get("worker", ""))
    org_id = access.org_id or _id(query.get("org", ""))
    which = JobFilter(
        state=next((one for one in get_args(JobState) if one == state), None),
        kind=query.get("kind") or None,
        queue=query.get("queue") or None,
        org_id=org_id,
        error_class=None if is_fingerprint else error or None,
        fingerprint=error if is_fingerprint else None,
        since=time.since,
        until=time.until,
    )
    tail = query.get("view") == "live"
    return Asked(which, time, worker, tail or worker is not None or query.get("view") == "runs", tail)


def _listed(access: Access, asked: Asked, after: str | None) -> Listed:
    return _runs(access, asked, after) if asked.runs else _jobs(access, asked, after)


def _jobs(access: Access, asked: Asked, after: str | None) -> Listed:
    with access.platform() as session:
        found = list_jobs(session, asked.which, limit=_PAGE, before=id_position(after))
        names = organization_names(session, {job.org_id for job in found.jobs})
    table = Table(
        _JOBS,
        [_job_row(job, names[job.org_id]) for job in found.jobs],
        next_page=None if found.next is None else cursor(found.next),
        caption="Jobs",
        csv=True,
        empty="None of those that were looked at fits. Older ones may: look further back."
        if found.looked_until
        else "No job fits. Clear the filters, or send the demo business a text: each message makes a few.",
    )
    return Listed(table, found.looked_until)


def _job_row(job: ListedJob, organization: str) -> Sequence[Cell]:
    error = redact_text(job.last_error) if job.last_error and job.state != "completed" else ""
    return (
        job.created_at,
        Link(job.kind, f"{PATH}/{job.id}"),
        state_cell(job.state),
        job.queue,
        organization,
        Text(f"{job.attempt} of {job.max_attempts}"),
        Text(job.error_class or "failed", _short(error)) if error else None,
        Link("journey", f"/dashboard/journeys/{job.correlation_id}") if job.correlation_id else None,
    )


def _runs(access: Access, asked: Asked, after: str | None) -> Listed:
    found_at = position(after, datetime.fromisoformat, UUID)
    place = None if found_at is None else RunPlace(*found_at)
    with access.platform() as session:
        found = list_runs(
            session, asked.which, now=datetime.now(UTC), worker_id=asked.worker_id, limit=_PAGE, after=place
        )
        names = organization_names(session, {run.org_id for run in found.runs})
    following = None if found.next is None else cursor(found.next.started_at.isoformat(), found.next.job_id)
    table = Table(
        _RUNS,
        [_run_row(run, names[run.org_id]) for run in found.runs],
        next_page=None if asked.tail else following,
        caption="Runs",
        csv=not asked.tail,
        empty="Nothing that fits ran in the last hour."
        if asked.worker_id is None
        else "This worker ran nothing that fits.",
    )
    # Of all workers, it is always the last hour; of one it is worth saying only when there is more.
    return Listed(table, found.looked_until if asked.worker_id is None or following else None)


def _run_row(run: ListedRun, organization: str) -> Sequence[Cell]:
    words, tone = OUTCOMES[run.outcome]
    detail = f"run {run.attempt}" if run.attempt > 1 else ""
    return (
        run.started_at,
        Link(run.kind, f"{PATH}/{run.job_id}", detail),
        State(tone, words),
        None if run.finished_at is None else run.finished_at - run.started_at,
        run.queue,
        organization,
        Text(
            run.error_class or _short(redact_text(run.reason)),
            _short(redact_text(run.reason)) if run.error_class else "",
        )
        if run.reason
        else None,
        Link(str(run.worker_id)[-8:], f"{PATH}?worker={run.worker_id}") if run.worker_id else None,
    )


def _form(request: Request, access: Access, session: Session, asked: Asked) -> Filters:
    load_kinds()
    which = asked.which
    views = [("", "Jobs"), ("runs", "Runs"), *([("live", "Runs, live")] if _may_tail(request, access) else ())]
    fields = [
        Field("view", "List", ("live" if asked.tail else "runs") if asked.runs else "", "select", views),
        Field(
            "state",
            "State",
            which.state or "",
            "select",
            [("", "Any"), *((s, STATES[s][0]) for s in get_args(JobState))],
        ),
        Field("kind", "Kind", which.kind or "", "select", [("", "Any"), *((kind, kind) for kind in sorted(specs()))]),
        Field("queue", "Queue", which.queue or "", "select", [("", "Any"), *((queue, queue) for queue in QUEUES)]),
        *organization_field(session, access, request.query_params.get("org", "")),
        Field(
            "error", "Failed of", which.fingerprint or which.error_class or "", "search", hint="class or fingerprint"
        ),
    ]
    if asked.runs:
        fields.append(Field("worker", "Worker", str(asked.worker_id or ""), "text", hint="a worker's id"))
    return Filters(fields, None if asked.tail else asked.time)


def _may_tail(request: Request, access: Access) -> bool:
    return hub_for(request, access.principal).features.get("live_tail", False)


def _id(written: str) -> UUID | None:
    try:
        return UUID(written) if written else None
    except ValueError:
        raise ProblemError(422, "The address of this page names an id that is none.") from None


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
