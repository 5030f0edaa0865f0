"""Dead letters: found, looked into, tried dry, run again, put right or given up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from api.access.requires import Access, requires
from api.errors import ProblemError
from api.schemas.dead_letters import (
    CancelRequest,
    EditRequest,
    ErrorText,
    Fingerprint,
    ForecastDocument,
    GroupDocument,
    Kind,
    OperationDocument,
    RequeueRequest,
    Resolution,
    Selection,
    forecast_document,
    group_document,
    operation_document,
)
from api.schemas.jobs import JobDocument, JobSummary, document, summary
from api.schemas.paging import After, Limit, Page, cursor, id_position, position
from domain.audit.record import Act, record
from domain.deadletters import operations
from domain.deadletters.edit import WrongArgumentsError, edit, find_dead
from domain.deadletters.forecast import forecast
from domain.deadletters.groups import list_groups
from domain.deadletters.operations import Request
from domain.queue.dead import DeadFilter, list_dead

router = APIRouter(tags=["Dead letters"])
Viewing = Annotated[Access, requires("dead_letters.view")]
Requeueing = Annotated[Access, requires("dead_letters.requeue")]
Discarding = Annotated[Access, requires("dead_letters.discard")]
Editing = Annotated[Access, requires("dead_letters.edit")]
_ACCEPTED = 202


@router.get("/api/v1/dead-letters")
def letters(
    access: Viewing,
    kind: Kind = None,
    fingerprint: Fingerprint = None,
    org_id: UUID | None = None,
    died_after: AwareDatetime | None = None,
    died_before: AwareDatetime | None = None,
    text: ErrorText = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[JobSummary]:
    """Return dead letters, the newest job first."""
    which = DeadFilter(None, kind, fingerprint, org_id, died_after, died_before, text)
    place = id_position(after)
    with access.platform() as session:
        found = list_dead(session, which, limit=limit, after_id=place, newest_first=True)
        items = [summary(job) for job in found]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.get("/api/v1/dead-letters/groups")
def groups(
    access: Viewing,
    kind: Kind = None,
    org_id: UUID | None = None,
    died_after: AwareDatetime | None = None,
    died_before: AwareDatetime | None = None,
    text: ErrorText = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[GroupDocument]:
    """Return the causes of death, the most frequent first."""
    which = DeadFilter(None, kind, None, org_id, died_after, died_before, text)
    place = position(after, int, str)
    with access.platform() as session:
        found = list_groups(session, which, limit=limit, after=None if place is None else (place[0], place[1]))
    items = [group_document(group) for group in found]
    following = cursor(items[-1].count, items[-1].fingerprint) if len(items) == limit else None
    return Page(items=items, next=following)


@router.post("/api/v1/dead-letters/dry-run")
def dry_run(wanted: Selection, access: Viewing) -> ForecastDocument:
    """Return what would happen if these were requeued now. Changes nothing."""
    with access.platform() as session:
        return forecast_document(forecast(session, wanted.filter.meant(), now=datetime.now(UTC)))


@router.post("/api/v1/dead-letters/requeue")
def requeue(wanted: RequeueRequest, access: Requeueing, response: Response) -> OperationDocument:
    """Run letters again with all their tries. Many, or with a rate, go on in the background (202)."""
    request = Request("requeue", wanted.filter.meant(), wanted.reason, wanted.per_minute)
    return _begin(access, request, response)


@router.post("/api/v1/dead-letters/discard")
def discard(wanted: Resolution, access: Discarding, response: Response) -> OperationDocument:
    """Give letters up for good; they become cancelled and keep their history."""
    return _begin(access, Request("discard", wanted.filter.meant(), wanted.reason), response)


@router.get("/api/v1/dead-letters/{job_id}")
def letter(
    job_id: UUID,
    access: Viewing,
    reveal: Annotated[bool, Query()] = False,  # noqa: FBT002
) -> JobDocument:
    """Return one dead letter with its history. `reveal` shows its arguments unredacted, which is audited."""
    with access.platform() as session:
        job = find_dead(session, job_id)
        if reveal:
            record(session, access.actor, Act("dead_letter.reveal", "job", str(job.id), org_id=job.org_id))
        return document(session, job, reveal=reveal)


@router.patch("/api/v1/dead-letters/{job_id}")
def change(job_id: UUID, wanted: EditRequest, access: Editing) -> JobDocument:
    """Replace the arguments of a letter, checked against its kind, and run it again if asked to."""
    if wanted.requeue:
        access.need("dead_letters.requeue")
    try:
        with access.platform() as session:
            job = edit(session, job_id, wanted.args, reason=wanted.reason, actor=access.actor)
            if wanted.requeue:
                session.flush()
                operations.begin(session, Request("requeue", DeadFilter(ids=[job_id]), wanted.reason), access.actor)
                session.refresh(job)
            return document(session, job)
    except WrongArgumentsError as error:
        problems = [{"where": f"args.{name}", "problem": problem} for name, problem in error.problems.items()]
        raise ProblemError(422, str(error), kind="wrong-arguments", members={"errors": problems}) from None


@router.get("/api/v1/dead-operations")
def recent_operations(access: Viewing, limit: Limit = 50, after: After = None) -> Page[OperationDocument]:
    """Return operations, newest first."""
    place = id_position(after)
    with access.platform() as session:
        found = operations.recent(session, limit=limit, before_id=place)
        items = [operation_document(operation) for operation in found]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.get("/api/v1/dead-operations/{operation_id}")
def operation(operation_id: UUID, access: Viewing) -> OperationDocument:
    """Return an operation and how far it has come."""
    with access.platform() as session:
        return operation_document(operations.find(session, operation_id))


@router.post("/api/v1/dead-operations/{operation_id}/cancel")
def cancel(operation_id: UUID, wanted: CancelRequest, access: Requeueing) -> OperationDocument:
    """Stop an operation; what is done stays done."""
    with access.platform() as session:
        return operation_document(operations.cancel(session, operation_id, access.actor, wanted.reason))


def _begin(access: Access, request: Request, response: Response) -> OperationDocument:
    with access.platform() as session:
        begun = operations.begin(session, request, access.actor)
        if begun.state == "running":
            response.status_code = _ACCEPTED
        return operation_document(begun)
