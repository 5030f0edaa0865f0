"""What was sent, what became of it, and what a person has to decide about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final, get_args
from uuid import UUID

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.filters import Field, Filters, time_range
from api.dashboard.flash import flash
from api.dashboard.posted import Posted, texts
from api.dashboard.tables import Column, Link, State, Table, Text, csv_response, wants_csv
from api.errors import ProblemError
from api.pages import page
from api.schemas.paging import After, cursor, id_position
from domain.clients.models import Client
from domain.conversations import journey_words as words
from domain.delivery import states
from domain.delivery.listing import Which, last_tries, list_deliveries, recipient
from domain.delivery.resolve import clear_sender
from domain.delivery.sender_flags import flagged_senders
from domain.kernel.looking import Span

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from api.dashboard.tables import Cell
    from domain.delivery.models import Delivery, NotificationLog

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("deliveries.view")]
Resolving = Annotated[Access, requires("deliveries.resolve")]
PATH: Final = "/dashboard/deliveries"
_PAGE: Final = 50
CLIENTS: Final = 200
"""Clients that a filter offers; another one is found by its page."""
_NEEDS_PERSON: Final = "needs_person"
_STATES: Final = (
    (_NEEDS_PERSON, "waits for a person"),
    *((state, words.DELIVERY_STATES[state][0]) for state in get_args(states.State)),
)
_CHANNELS: Final = (("sms", "text message"), ("email", "e-mail"))
_COLUMNS: Final = (
    Column("created", "Asked for", "time"),
    Column("what", "What", "link"),
    Column("client", "Client"),
    Column("to", "To"),
    Column("state", "State", "state"),
    Column("tries", "Tries", "number"),
    Column("last", "Last try", "text"),
)


@router.get(PATH)
def deliveries(request: Request, access: Viewing, after: After = None) -> Response:
    """Show what was sent, the newest first, and the senders that a provider refuses."""
    time = time_range(request)
    which = _which(request, Span(time.since, time.until))
    if wants_csv(request):
        return csv_response(request, "deliveries", lambda place: _table(access, which, place)[0])
    table, looked_until = _table(access, which, after)
    with access.scope() as session:
        form = Filters(_fields(session, request), time)
        refused = flagged_senders(session)
    return page(
        "deliveries.html",
        request=request,
        sent=table,
        form=form,
        looked_until=looked_until,
        refused=refused,
        may_resolve=access.may("deliveries.resolve"),
    )


@router.post(f"{PATH}/senders/{{flag_id}}/clear")
def clear(request: Request, flag_id: UUID, access: Resolving, form: Posted) -> Response:
    """Let a refused sender send again."""
    reason = texts(form).get("reason", "").strip()
    with access.scope() as session:
        clear_sender(session, flag_id, access.actor, reason)
        if not reason:
            raise ProblemError(422, "Say why; the reason is kept in the audit log.")
    response = RedirectResponse(PATH, status_code=303)
    flash(request, response, "The sender may send again. What waits for it follows within minutes.")
    return response


def client_options(session: Session) -> Sequence[tuple[str, str]]:
    """Return the clients of this scope as the options of a filter."""
    query = select(Client.id, Client.name).order_by(Client.name, Client.id).limit(CLIENTS)
    return [("", "Any"), *((str(client_id), name) for client_id, name in session.execute(query))]


def client_names(session: Session, ids: set[UUID]) -> Mapping[UUID, str]:
    """Return the names of clients."""
    found = session.execute(select(Client.id, Client.name).where(Client.id.in_(ids)))
    return {client_id: name for client_id, name in found}  # noqa: C416  # a row is no pair to mypy


def wanted_client(request: Request) -> UUID | None:
    """Return the client that `?client=` names."""
    written = request.query_params.get("client", "")
    try:
        return UUID(written) if written else None
    except ValueError:
        raise ProblemError(422, "The address of this page names a client by an id that is none.") from None


def _which(request: Request, span: Span) -> Which:
    query = request.query_params
    state = query.get("state", "")
    return Which(
        state=next((one for one in get_args(states.State) if one == state), None),
        client_id=wanted_client(request),
        channel=query.get("channel") or None,
        needs_person=state == _NEEDS_PERSON,
        purpose=query.get("purpose") or None,
        error_code=query.get("error", "").strip()[:40] or None,
        span=span,
    )


def _fields(session: Session, request: Request) -> Sequence[Field]:
    query = request.query_params
    purposes = [(purpose, name.lower()) for purpose, name in words.PURPOSES.items()]
    return [
        Field("state", "State", query.get("state", ""), "select", [("", "Any"), *_STATES]),
        Field("client", "Client", query.get("client", ""), "select", client_options(session)),
        Field("channel", "Channel", query.get("channel", ""), "select", [("", "Any"), *_CHANNELS]),
        Field("purpose", "What for", query.get("purpose", ""), "select", [("", "Any"), *purposes]),
        Field("error", "Provider's error", query.get("error", "")[:40], hint="such as 30003"),
    ]


def _table(access: Access, which: Which, after: str | None) -> tuple[Table, datetime | None]:
    with access.scope() as session:
        found = list_deliveries(session, which, limit=_PAGE, before_id=id_position(after))
        tries = last_tries(session, found.rows)
        names = client_names(session, {one.client_id for one in found.rows})
    rows = [_row(one, names.get(one.client_id, ""), tries.get(one.id)) for one in found.rows]
    table = Table(
        _COLUMNS,
        rows,
        next_page=cursor(found.next_id) if found.next_id else None,
        caption="Deliveries",
        csv=True,
        empty="Nothing that fits was sent in this time. Choose a longer one, or take a filter away.",
    )
    return table, found.looked_until


def _row(one: Delivery, client: str, last: NotificationLog | None) -> Sequence[Cell]:
    state, tone = words.DELIVERY_STATES.get(one.state, (one.state, "plain"))
    needs = one.state == "unknown" and one.asked_person_at is not None
    shown = State("bad", "waits for a person") if needs else State(tone, state, one.error_code or "")
    tried = "" if last is None else words.SEND_ATTEMPTS.get(last.outcome, (last.outcome, "plain"))[0]
    detail = "" if last is None else " ".join(part for part in (last.error_code, last.error_text) if part)
    name = words.PURPOSES.get(one.purpose, "A message")
    return (
        one.created_at,
        Link(name, f"{PATH}/{one.id}", dict(_CHANNELS).get(one.channel, one.channel)),
        client,
        recipient(one),
        shown,
        one.attempts,
        Text(tried or "not tried yet", detail),
    )
