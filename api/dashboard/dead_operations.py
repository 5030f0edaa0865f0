"""Requeueing and discarding dead letters: what would happen, the question, and how far it has come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.dead_filter import asked_by, hidden, sent_by
from api.dashboard.dead_letters import PATH
from api.dashboard.flash import flash
from api.dashboard.posted import Posted, texts
from api.dashboard.tables import Cell, Column, Link, State, Table, Tone
from api.pages import page
from api.schemas.paging import After, cursor, id_position
from domain.deadletters import operations
from domain.deadletters.forecast import forecast
from domain.deadletters.operations import HIGHEST_RATE
from domain.deadletters.operations import Request as Wish
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.reasons import LONGEST_REASON
from domain.queue.dead import PAGE, count_dead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.datastructures import FormData

    from api.dashboard.dead_filter import Asked
    from domain.deadletters.fates import Forecast
    from domain.deadletters.models import DeadOperation

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("dead_letters.view")]
Requeueing = Annotated[Access, requires("dead_letters.requeue")]
Discarding = Annotated[Access, requires("dead_letters.discard")]
Action = Literal["requeue", "discard"]
_PAGE: Final = 50
_TONES: Final[Mapping[str, Tone]] = {"running": "waiting", "finished": "good", "cancelled": "limited"}
_WORDS: Final = {"running": "under way", "finished": "finished", "cancelled": "stopped"}
_DONE: Final = {"requeue": "Requeued", "discard": "Discarded"}
_DOING: Final = {"requeue": "Requeueing", "discard": "Discarding"}
_COLUMNS: Final = (
    Column("begun", "Begun", "time"),
    Column("what", "What", "link"),
    Column("state", "State", "state"),
    Column("done", "Done", "number"),
    Column("skipped", "Left dead", "number"),
    Column("total", "Of", "number"),
    Column("actor", "By"),
)


@router.get(f"{PATH}/dry-run")
def dry_run(request: Request, access: Viewing) -> Response:
    """Show what would happen if these letters were requeued now; nothing is changed."""
    asked = asked_by(request, access)
    with access.platform() as session:
        found = forecast(session, asked.which, now=datetime.now(UTC))
    may_requeue = access.may("dead_letters.requeue")
    return page("dead_dry_run.html", request=request, found=found, asked=asked, may_requeue=may_requeue)


@router.get(f"{PATH}/requeue")
def ask_requeue(request: Request, access: Requeueing) -> Response:
    """Ask whether these letters are to run again, and say what would happen."""
    return _ask(request, access, "requeue", asked_by(request, access))


@router.get(f"{PATH}/discard")
def ask_discard(request: Request, access: Discarding) -> Response:
    """Ask whether these letters are to be given up."""
    return _ask(request, access, "discard", asked_by(request, access))


@router.post(f"{PATH}/requeue")
def requeue(request: Request, access: Requeueing, form: Posted) -> Response:
    """Run letters again."""
    return _begin(request, access, "requeue", form)


@router.post(f"{PATH}/discard")
def discard(request: Request, access: Discarding, form: Posted) -> Response:
    """Give letters up."""
    return _begin(request, access, "discard", form)


@router.get(f"{PATH}/operations")
def list_operations(request: Request, access: Viewing, after: After = None) -> Response:
    """Show what was requeued and discarded, and by whom."""
    with access.platform() as session:
        found = operations.recent(session, limit=_PAGE, before_id=id_position(after))
    table = Table(
        _COLUMNS,
        [_row(one) for one in found],
        next_page=cursor(found[-1].id) if len(found) == _PAGE else None,
        caption="Operations",
        empty="Nothing was requeued or discarded yet. What is will be listed here, with who did it and why.",
    )
    return page("dead_operation_list.html", request=request, table=table)


@router.get(f"{PATH}/operations/{{operation_id}}")
def show_operation(request: Request, operation_id: UUID, access: Viewing) -> Response:
    """Show how far an operation has come."""
    with access.platform() as session:
        found = operations.find(session, operation_id)
    return page(
        "dead_operation.html",
        request=request,
        operation=found,
        heading=(_DOING if found.state == "running" else _DONE)[found.action],
        state=State(_TONES[found.state], _WORDS[found.state]),
        left=_left(found),
        may_stop=access.may("dead_letters.requeue") and found.state == "running",
    )


@router.post(f"{PATH}/operations/{{operation_id}}/stop")
def stop(request: Request, operation_id: UUID, access: Requeueing, form: Posted) -> Response:
    """Stop an operation; what is done stays done."""
    with access.platform() as session:
        found = operations.cancel(session, operation_id, access.actor, texts(form).get("reason") or None)
    response = RedirectResponse(f"{PATH}/operations/{operation_id}", status_code=303)
    flash(request, response, f"Stopped. {found.done:,} of {found.total:,} were done and stay so.", "limited")
    return response


def _ask(request: Request, access: Access, action: Action, asked: Asked, problem: str = "", **given: str) -> Response:
    """Ask before it is done. The dry run of many takes its time, so the page gets that by itself afterwards."""
    with access.platform() as session:
        total = count_dead(session, asked.which)
        found: Forecast | None = None
        if action == "requeue" and 0 < total <= PAGE:
            found = forecast(session, asked.which, now=datetime.now(UTC))
    return page(
        "dead_question.html",
        422 if problem else 200,
        request=request,
        action=action,
        asked=asked,
        total=total,
        found=found,
        hidden=hidden(asked),
        problem=problem,
        given={"reason": "", "per_minute": ""} | given,
        longest=LONGEST_REASON,
        highest=HIGHEST_RATE,
    )


def _begin(request: Request, access: Access, action: Action, form: FormData) -> Response:
    sent = texts(form)
    asked = sent_by(sent, [one for one in form.getlist("ids") if isinstance(one, str)], access)
    reason, per_minute = sent.get("reason", ""), sent.get("per_minute", "").strip()
    try:
        wish = Wish(action, asked.which, reason, _rate(per_minute))
        with access.platform() as session:
            begun = operations.begin(session, wish, access.actor)
    except (InvalidInputError, NotFoundError) as error:
        return _ask(request, access, action, asked, str(error), reason=reason, per_minute=per_minute)
    response = RedirectResponse(f"{PATH}/operations/{begun.id}", status_code=303)
    flash(request, response, _told(begun), "waiting" if begun.state == "running" else "good")
    return response


def _rate(written: str) -> int | None:
    if not written:
        return None
    try:
        return int(written.replace(",", ""))
    except ValueError:
        raise InvalidInputError("Write the rate as a whole number of letters a minute, or leave it empty.") from None


def _told(begun: DeadOperation) -> str:
    if begun.state == "running":
        return "Begun. This page follows along; you may leave it, and it goes on."
    left = f" {begun.skipped:,} stay dead: another job has their key." if begun.skipped else ""
    return f"{_DONE[begun.action]}: {begun.done:,} of {begun.total:,}.{left}"


def _left(operation: DeadOperation) -> float | None:
    """Return in how many seconds an operation should be at its end, by what it did so far."""
    looked = operation.done + operation.skipped
    so_far = (operation.updated_at - operation.created_at).total_seconds()
    if operation.state != "running" or not looked or so_far <= 0:
        return None
    return so_far / looked * max(operation.total - looked, 0)


def _row(one: DeadOperation) -> Sequence[Cell]:
    return (
        one.created_at,
        Link(_DONE[one.action], f"{PATH}/operations/{one.id}", one.reason),
        State(_TONES[one.state], _WORDS[one.state]),
        one.done,
        one.skipped,
        one.total,
        one.actor,
    )
