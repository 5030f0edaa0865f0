"""Clients: listed and found, and one with its checklist, switches, settings, knowledge and bots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.access.browser import VIEW_AS
from api.access.requires import Access, requires
from api.client_documents import client_document
from api.dashboard.client_words import BILLING, BOOKING, SWITCHES, checklist, settings_in_words
from api.dashboard.filters import Field, Filters
from api.dashboard.flash import flash
from api.dashboard.organizations import organization_field
from api.dashboard.posted import Posted, texts
from api.dashboard.tables import Cell, Column, Link, State, Table, csv_response, wants_csv
from api.errors import ProblemError
from api.pages import page
from api.schemas.paging import After, cursor, id_position
from domain.clients.listing import Which, list_with_organizations
from domain.clients.onboarding import go_live
from domain.clients.switches import Switch, throw_switch
from domain.replies.knowledge import list_entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.schemas.clients import StandingDocument
    from domain.clients.models import Client
    from domain.tenancy.models import Organization

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("clients.view")]
Throwing = Annotated[Access, requires("switches.throw")]
GoingLive = Annotated[Access, requires("clients.go_live")]
PATH: Final = "/dashboard/clients"
_PAGE: Final = 50
_COLUMNS: Final = (
    Column("name", "Client", "link"),
    Column("number", "Number", "code"),
    Column("state", "State", "state"),
    Column("billing", "Billing"),
    Column("changed", "Last changed", "ago"),
)
_STATES: Final = (("", "Not archived"), ("live", "Live"), ("onboarding", "Being onboarded"), ("archived", "Archived"))


@router.get(PATH)
def clients(request: Request, access: Viewing, after: After = None) -> Response:
    """Show the clients within reach, the oldest first."""
    which = _which(request)
    if wants_csv(request):
        return csv_response(request, "clients", lambda place: _table(access, which, place))
    with access.scope() as session:
        fields = organization_field(session, access, request.query_params.get("org", ""))
    query = request.query_params
    form = Filters(
        (
            *fields,
            Field("name", "Name", query.get("name", ""), "search", hint="A part of it"),
            Field("state", "State", query.get("state", ""), "select", _STATES),
            Field("billing", "Billing", query.get("billing", ""), "select", [("", "Any"), *BILLING.items()]),
        )
    )
    return page("clients.html", request=request, clients=_table(access, which, after), form=form)


@router.get(f"{PATH}/{{client_id}}")
def client(request: Request, client_id: UUID, access: Viewing) -> Response:
    """Show one client, what the gate would decide for it now, and what can be done."""
    with access.client_scope(client_id) as session:
        document = client_document(session, client_id)
        entries = list_entries(session, client_id) if _may(access, "knowledge.view", client_id) else None
    may = {what: _may(access, what, client_id) for what in ("switches.throw", "clients.go_live", VIEW_AS)}
    seen = ("deliveries", "notifications", "journeys", "audit")
    return page(
        "client.html",
        request=request,
        client=document,
        entries=entries,
        answered=_standing(document.customers_are_answered, "Customers are answered", "Customers are not answered"),
        alerted=_standing(document.owner_is_alerted, "The owner is alerted", "The owner is not alerted"),
        steps=checklist(document),
        switches=[(switch, words, getattr(document.switches, switch.value)) for switch, words in SWITCHES.items()],
        settings=settings_in_words(document.settings),
        billing=BILLING[document.billing.billing_status],
        booking=BOOKING[document.booking.mode],
        may={name.replace(".", "_"): allowed for name, allowed in may.items()},
        sees={name: _may(access, f"{name}.view", client_id) for name in seen},
    )


@router.post(f"{PATH}/{{client_id}}/switches/{{switch}}/{{to}}")
def throw(request: Request, client_id: UUID, switch: Switch, to: str, form: Posted, access: Throwing) -> Response:
    """Throw a switch: `to` is "pause" or "resume"."""
    if to not in {"pause", "resume"}:
        raise ProblemError(404, "There is no such page.")
    stopped, reason = to == "pause", texts(form).get("reason", "")
    with access.client_scope(client_id) as session:
        throw_switch(session, client_id, switch, access.actor, stopped=stopped, reason=reason)
    words = SWITCHES[switch]
    said = f"{words.title}: stopped. {words.when_stopped}" if stopped else f"{words.title}: goes on."
    return _back(request, client_id, said)


@router.post(f"{PATH}/{{client_id}}/go-live")
def take_live(request: Request, client_id: UUID, access: GoingLive) -> Response:
    """Complete the client's onboarding; a problem page says what is missing."""
    with access.client_scope(client_id) as session:
        name = go_live(session, client_id, access.actor).name
    return _back(request, client_id, f"{name} is live: its customers are answered from now on.")


def _may(access: Access, permission: str, client_id: UUID) -> bool:
    """Whether another permission reaches this client: of several roles, each has clients of its own."""
    other = access.by(permission)
    return other is not None and other.reach.includes(client_id=client_id)


def _back(request: Request, client_id: UUID, said: str) -> Response:
    response = RedirectResponse(f"{PATH}/{client_id}", status_code=303)
    flash(request, response, said)
    return response


def _which(request: Request) -> Which:
    query = request.query_params
    state, billing, org = query.get("state", ""), query.get("billing", ""), query.get("org", "")
    try:
        org_id = UUID(org) if org else None
    except ValueError:
        org_id = None
    return Which(
        org_id=org_id,
        search=query.get("name", "").strip()[:200] or None,
        billing_status=next((status for status in BILLING if status == billing), None),
        live={"live": True, "onboarding": False}.get(state),
        archived=state == "archived",
    )


def _table(access: Access, which: Which, after: str | None) -> Table:
    with access.scope() as session:
        found = list_with_organizations(session, which, limit=_PAGE, after=id_position(after))
        rows = [_row(one, organization) for one, organization in found]
    return Table(
        _COLUMNS,
        rows,
        next_page=cursor(found[-1][0].id) if len(found) == _PAGE else None,
        caption="Clients",
        csv=True,
        empty="No client fits. Take a part of the filter away, or take one on: gatehouse clients create --help.",
        oldest_first=True,
    )


def _row(one: Client, organization: Organization) -> Sequence[Cell]:
    return (
        Link(one.name, f"{PATH}/{one.id}", organization.name),
        one.sms_number,
        _state(one),
        BILLING[one.billing_status],
        one.updated_at,
    )


def _state(one: Client) -> State:
    if one.archived_at is not None:
        return State("plain", "archived")
    if not one.onboarding_complete:
        return State("waiting", "being onboarded")
    if one.outbound_paused:
        return State("bad", "outbound paused")
    if one.ai_disabled or one.notifications_paused:
        return State("limited", "partly stopped")
    return State("good", "live")


def _standing(standing: StandingDocument, good: str, bad: str) -> State:
    if standing.outcome == "allow":
        return State("good", good, standing.reason)
    return State("limited" if standing.outcome == "soft" else "bad", bad, standing.reason)
