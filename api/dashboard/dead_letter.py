"""One dead letter: what happened to it, its arguments, and the form that puts them right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.dead_letters import PATH, error_of, organization_names
from api.dashboard.flash import flash
from api.dashboard.posted import Posted, texts
from api.dashboard.tables import Column, State, Table
from api.pages import page
from api.schemas.jobs import document
from domain.audit.record import Act, record
from domain.conversations import journey_words as words
from domain.deadletters import operations
from domain.deadletters.edit import WrongArgumentsError, edit, find_dead
from domain.deadletters.form import arguments_of, read_arguments, unknown_arguments
from domain.deadletters.operations import Request as Wish
from domain.kernel.errors import InvalidInputError
from domain.queue.dead import DeadFilter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.datastructures import FormData

    from api.dashboard.tables import Cell
    from api.schemas.jobs import AttemptDocument, JobDocument

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("dead_letters.view")]
Editing = Annotated[Access, requires("dead_letters.edit")]
_FIELD: Final = "arg."
_COLUMNS: Final = (
    Column("run", "Run", "number"),
    Column("began", "Began", "time"),
    Column("waited", "Waited", "duration"),
    Column("took", "Took", "duration"),
    Column("outcome", "Outcome", "state"),
    Column("error", "Error"),
)


@router.get(f"{PATH}/{{job_id}}")
def letter(request: Request, job_id: UUID, access: Viewing, reveal: bool = False) -> Response:  # noqa: FBT001, FBT002
    """Show a letter. `reveal` shows its arguments unredacted, which is on record."""
    with access.platform() as session:
        job = find_dead(session, job_id)
        if reveal:
            record(session, access.actor, Act("dead_letter.reveal", "job", str(job.id), org_id=job.org_id))
        found, error = document(session, job, reveal=reveal), error_of(job)
        name = organization_names(session, {job.org_id}).get(job.org_id, str(job.org_id))
    return page(
        "dead_letter.html",
        request=request,
        letter=found,
        error=error,
        organization=name,
        runs=_runs(found),
        may={what: access.may(f"dead_letters.{what}") for what in ("requeue", "discard", "edit")},
    )


@router.get(f"{PATH}/{{job_id}}/edit")
def ask_edit(request: Request, job_id: UUID, access: Editing) -> Response:
    """Show the arguments of a letter as fields. That they are seen is on record."""
    with access.platform() as session:
        job = find_dead(session, job_id)
        arguments_of(job.kind, job.args)
        record(session, access.actor, Act("dead_letter.reveal", "job", str(job.id), org_id=job.org_id))
    return _form(request, access, job_id)


@router.post(f"{PATH}/{{job_id}}/edit")
def change(request: Request, job_id: UUID, access: Editing, form: Posted) -> Response:
    """Put the arguments right, and run the letter again if asked to."""
    sent = texts(form)
    requeue = sent.get("then") == "requeue"
    if requeue:
        access.need("dead_letters.requeue")
    reason = sent.get("reason", "")
    try:
        with access.platform() as session:
            args = _read(find_dead(session, job_id).kind, form)
            edit(session, job_id, args, reason=reason, actor=access.actor)
            if requeue:
                session.flush()
                operations.begin(session, Wish("requeue", DeadFilter(ids=[job_id]), reason), access.actor)
    except WrongArgumentsError as error:
        problems = {name.split(".")[0]: problem for name, problem in error.problems.items()}
        return _form(request, access, job_id, form=form, problems=problems)
    except InvalidInputError as error:
        return _form(request, access, job_id, form=form, problem=str(error))
    response = RedirectResponse(PATH if requeue else f"{PATH}/{job_id}", status_code=303)
    done = "Saved, and it runs again now." if requeue else "Saved. It stays dead until it is requeued."
    flash(request, response, done)
    return response


def _form(
    request: Request,
    access: Access,
    job_id: UUID,
    *,
    form: FormData | None = None,
    problems: Mapping[str, str] | None = None,
    problem: str = "",
) -> Response:
    """Show the form, as it was sent if it was, with what is wrong beside each field."""
    with access.platform() as session:
        job = find_dead(session, job_id)
        fields, unknown = arguments_of(job.kind, job.args), unknown_arguments(job.kind, job.args)
    written = _written(form) if form is not None else {}
    return page(
        "dead_letter_edit.html",
        422 if problems or problem else 200,
        request=request,
        letter=job,
        fields=fields,
        values={one.name: written.get(one.name, one.text) for one in fields},
        unknown=unknown,
        problems=problems or {},
        problem=problem,
        reason=texts(form).get("reason", "") if form is not None else "",
        may_requeue=access.may("dead_letters.requeue"),
    )


def _read(kind: str, form: FormData) -> dict[str, Any]:
    """Return the arguments that a form holds. Raises WrongArgumentsError."""
    args, unread = read_arguments(kind, _written(form))
    if unread:
        raise WrongArgumentsError(kind, unread)
    return args


def _written(form: FormData) -> dict[str, str]:
    return {name.removeprefix(_FIELD): value for name, value in texts(form).items() if name.startswith(_FIELD)}


def _runs(found: JobDocument) -> Table:
    ready = found.created_at
    rows: list[Sequence[Cell]] = []
    for one in found.attempts:
        rows.append(_run(one, max((one.started_at - ready).total_seconds(), 0)))
        ready = one.finished_at or one.started_at
    return Table(_COLUMNS, rows, caption="Runs", empty="No run is on record any more.")


def _run(one: AttemptDocument, waited: float) -> Sequence[Cell]:
    outcome, tone = words.ATTEMPTS.get(one.outcome, (one.outcome or "", "plain"))
    took = None if one.finished_at is None else one.finished_at - one.started_at
    return (one.attempt, one.started_at, waited, took, State(tone, outcome, one.error_class or ""), one.reason)
