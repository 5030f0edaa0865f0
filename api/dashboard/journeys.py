"""Find what happened to a message, and show it as a line of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.deliveries import client_options, wanted_client
from api.dashboard.filters import Field, Filters, TimeRange, time_range
from api.dashboard.tables import Column, Link, State, Table, csv_response, wants_csv
from api.journeys import journey_for, offset_ms
from api.pages import page
from api.schemas.paging import After, cursor, id_position
from domain.conversations.asked import Asked, read_asked
from domain.conversations.journey_finding import journey_with
from domain.conversations.recent import OUTCOMES, Which, recent_messages
from domain.kernel.errors import NotFoundError
from domain.kernel.looking import Span

if TYPE_CHECKING:
    from datetime import datetime

    from api.dashboard.tables import Cell
    from domain.conversations.journey import Journey
    from domain.conversations.journey_step import Step
    from domain.conversations.recent import RecentMessage

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("journeys.view")]
PATH: Final = "/dashboard/journeys"
_PAGE: Final = 50
_SECOND: Final = 1_000
_MINUTE: Final = 60_000
_LONGEST: Final = 200
_SNIPPET: Final = 120
"""Characters of a message that the list shows."""
_COLUMNS: Final = (
    Column("received", "Came in", "time"),
    Column("journey", "Message", "link"),
    Column("outcome", "What became of it", "state"),
    Column("client", "Client"),
)
_PAGES: Final[Mapping[str, tuple[str, str, str]]] = {
    "job_id": ("/dashboard/jobs/{}", "The job", "queues.view"),
    "delivery_id": ("/dashboard/deliveries/{}", "The delivery", "deliveries.view"),
    "correlation_id": ("/dashboard/journeys/{}", "Its own journey", "journeys.view"),
}
"""Where an id of a step leads, and who may see that."""


@dataclass(frozen=True, slots=True)
class _Search:
    """What the page's address asks for. `said`: what is shown, in words."""

    asked: Asked
    which: Which
    time: TimeRange
    said: str = ""
    problem: str = field(default="")


@router.get(PATH)
def search(request: Request, access: Viewing, after: After = None) -> Response:
    """Show the messages that came in and the fields to find one by, or go straight to the journey of an id."""
    query = request.query_params
    typed = (query.get("q") or query.get("id", "")).strip()[:_LONGEST]  # `id` is what the field was called before.
    with access.scope() as session:
        asked = read_asked(session, typed)
        found = journey_with(session, asked.id) if asked.id else None
    if found is not None:
        return RedirectResponse(f"{PATH}/{found}", status_code=303)
    wanted = _search(request, asked)
    if wants_csv(request):
        return csv_response(request, "messages", lambda place: _table(access, wanted, place)[0])
    table, looked_until = _table(access, wanted, after)
    with access.scope() as session:
        form = Filters(_fields(request, typed, client_options(session)), wanted.time)
    return page(
        "journey_search.html",
        422 if wanted.problem else 200,
        request=request,
        form=form,
        messages=table,
        searched=wanted.said,
        problem=wanted.problem,
        looked_until=looked_until,
        looks_for_text=asked.text is not None,
    )


@router.get(f"{PATH}/{{correlation_id}}")
def journey(request: Request, correlation_id: str, access: Viewing) -> Response:
    """Show a journey."""
    try:
        found = journey_for(access, UUID(correlation_id))
    except (ValueError, NotFoundError):
        return page("journey_missing.html", 404, request=request, wanted=correlation_id[:64])
    may = {permission: access.may(permission) for _, _, permission in _PAGES.values()}
    return page(
        "journey.html",
        request=request,
        journey=found,
        rows=[_row(found, step, may) for step in found.steps],
        sees_text=access.may("conversations.view"),
        dead=_dead(found) if access.may("dead_letters.view") else (),
    )


def _search(request: Request, asked: Asked) -> _Search:
    time = time_range(request, default="all" if asked.number else "24h")
    outcome = request.query_params.get("outcome", "")
    which = Which(
        client_id=wanted_client(request),
        outcome=outcome if outcome in OUTCOMES else None,
        text=asked.text,
        number=asked.number,
        span=Span(time.since, time.until),
    )
    if asked.id and asked.text is None:
        problem = "Nothing is on record under this id, as far as you may see. Was it copied whole?"
        return _Search(asked, which, time, problem=problem)
    if asked.number:
        return _Search(asked, which, time, f"Messages from the number ending in {asked.number[-2:]}.")
    if asked.text:
        return _Search(asked, which, time, f"Messages in which the customer wrote “{asked.text}”, in the time below.")
    return _Search(asked, which, time)


def _fields(request: Request, typed: str, clients: Sequence[tuple[str, str]]) -> Sequence[Field]:
    outcomes = [(outcome, name) for outcome, (name, _) in OUTCOMES.items()]
    query = request.query_params
    return [
        Field("q", "Number, text or id", typed, "search", hint="+1 212 555 0142"),
        Field("client", "Client", query.get("client", ""), "select", clients),
        Field("outcome", "Outcome", query.get("outcome", ""), "select", [("", "Any"), *outcomes]),
    ]


def _table(access: Access, wanted: _Search, after: str | None) -> tuple[Table, datetime | None]:
    with access.scope() as session:
        found = recent_messages(session, wanted.which, limit=_PAGE, before_id=id_position(after))
    sees_text = access.may("conversations.view")
    table = Table(
        _COLUMNS,
        [_message(one, sees_text=sees_text) for one in found.rows],
        next_page=cursor(found.next_id) if found.next_id else None,
        caption="Messages",
        csv=True,
        empty="No message that fits came in. Choose a longer time, or take a filter away."
        if wanted.asked.typed or wanted.which.outcome or wanted.which.client_id or wanted.time.since
        else "No message came in yet. Text a client's number from the sandbox phone, or point Twilio's webhook here.",
    )
    return table, found.looked_until


def _message(one: RecentMessage, *, sees_text: bool) -> Sequence[Cell]:
    text = " ".join(one.text.split())
    shown = text if len(text) <= _SNIPPET else f"{text[:_SNIPPET].rstrip()}…"
    link = Link(shown or "(no text)", f"{PATH}/{one.correlation_id}", f"from {one.sender}")
    if not sees_text:
        link = Link(f"From {one.sender}", f"{PATH}/{one.correlation_id}")
    return (one.received_at, link, State(one.tone, one.outcome, one.sent), one.client_name)


def _row(journey: Journey, step: Step, may: Mapping[str, bool]) -> dict[str, object]:
    links = [
        (_PAGES[name][0].format(value), _PAGES[name][1])
        for name, value in step.ids.items()
        if name in _PAGES and may[_PAGES[name][2]] and value != str(journey.correlation_id)
    ]
    return {"step": step, "offset": _since_start(offset_ms(journey, step)), "times": _times(step), "links": links}


def _dead(journey: Journey) -> Sequence[str]:
    """Return the jobs of a journey that wait for a person."""
    return [step.ids["job_id"] for step in journey.steps if step.kind == "job" and step.outcome == "needs a person"]


def _times(step: Step) -> str:
    """Return how long a step waited and took, in words."""
    waited = "" if step.wait_ms is None else f"waited {_length(step.wait_ms)}"
    took = "" if step.duration_ms is None else f"took {_length(step.duration_ms)}"
    return ", ".join(part for part in (waited, took) if part)


def _length(milliseconds: float) -> str:
    if milliseconds < _SECOND:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / _SECOND:.1f} s" if milliseconds < _MINUTE else _long(milliseconds)


def _since_start(milliseconds: float) -> str:
    """Return a time since the start as people read it: to the millisecond at first, coarser when it is long."""
    return f"+{milliseconds / _SECOND:.3f} s" if milliseconds < _MINUTE else f"+{_long(milliseconds)}"


def _long(milliseconds: float) -> str:
    minutes, rest = divmod(round(milliseconds / _SECOND), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
