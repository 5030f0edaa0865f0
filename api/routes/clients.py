"""Clients: listed, taken on, changed, taken live and archived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, cast
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api.access.requires import Access, requires
from api.client_documents import billing_document, client_document, listed_document
from api.errors import ProblemError
from api.schemas.changes import Because
from api.schemas.clients import (
    BillingDocument,
    BillingStep,
    BookingDocument,
    ClientChanges,
    ClientDocument,
    ListedClientDocument,
    NewClientDocument,
    SettingsChanges,
    SettingsDocument,
)
from api.schemas.paging import After, Limit, Page, cursor, id_position
from api.schemas.versions import STALE, IfMatch, etag, stale, version
from domain.clients.archive import archive_client
from domain.clients.billing import take_step
from domain.clients.change import change_booking, change_client
from domain.clients.create import create_client
from domain.clients.details import Details
from domain.clients.errors import ChangedMeanwhileError
from domain.clients.listing import Which, list_with_organizations
from domain.clients.models import BillingStatus
from domain.clients.onboarding import go_live
from domain.clients.settings import GivenSettings, change_settings, read_settings
from domain.clients.switches import Switch, throw_switch

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

router = APIRouter(tags=["Clients"])
Viewing = Annotated[Access, requires("clients.view")]
Creating = Annotated[Access, requires("clients.create")]
Changing = Annotated[Access, requires("clients.change")]
Archiving = Annotated[Access, requires("clients.archive")]
GoingLive = Annotated[Access, requires("clients.go_live")]
Throwing = Annotated[Access, requires("switches.throw")]
Billing = Annotated[Access, requires("billing.change")]
PATH = "/api/v1/clients"
_ASSIGNED: Final = frozenset({"sms_number", "messaging_service_sid"})
"""What a client sends by: it is the account's, so nobody takes it for themselves."""


@router.get(PATH)
def list_(
    access: Viewing,
    org_id: UUID | None = None,
    search: Annotated[str | None, Query(max_length=200, description="Part of the name or the slug.")] = None,
    billing_status: BillingStatus | None = None,
    live: Annotated[bool | None, Query(description="Only those whose onboarding is complete, or is not.")] = None,
    *,
    archived: Annotated[bool, Query(description="Those that are archived, in place of those that are not.")] = False,
    limit: Limit = 50,
    after: After = None,
) -> Page[ListedClientDocument]:
    """List the clients within reach, the oldest first."""
    place = id_position(after)
    which = Which(org_id, search, billing_status, live, archived)
    with access.scope() as session:
        found = list_with_organizations(session, which, limit=limit, after=place)
        items = [listed_document(client, organization) for client, organization in found]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.post(PATH, status_code=201)
def create(new: NewClientDocument, access: Creating, response: Response) -> ClientDocument:
    """Take a client on, with the default settings. It answers nobody before it goes live."""
    org_id = new.org_id or access.org_id
    if org_id is None:
        raise ProblemError(422, "Say of which organization, by `org_id` or by the header X-Org-Id.")
    details = {name: value for name, value in new.given().items() if name not in {"org_id", "slug"}}
    with access.scope_of(org_id) as session:
        client = create_client(session, org_id, cast("Details", details), access.actor, slug=new.slug)
        return _shown(session, client.id, response)


@router.get(PATH + "/{client_id}")
def show(client_id: UUID, access: Viewing, response: Response) -> ClientDocument:
    """Show a client with its settings, bots, switches and billing, and what the gate would decide now."""
    with access.client_scope(client_id) as session:
        return _shown(session, client_id, response)


@router.patch(PATH + "/{client_id}", responses=STALE)
def change(
    client_id: UUID, changes: ClientChanges, access: Changing, response: Response, if_match: IfMatch = None
) -> ClientDocument:
    """Change details of a client. 409 when a number is another client's, or a live client would be left without.

    Numbers and Messaging Services are assigned for the whole organization: 403 for whoever is of one client alone.
    """
    if access.reach.clients is not None and _ASSIGNED & changes.model_fields_set:
        words = "Numbers are assigned by whoever runs the organization. Ask them for another one."
        raise ProblemError(403, words, kind="permission")
    given, expected = cast("Details", changes.given()), version(if_match)
    try:
        with access.client_scope(client_id) as session:
            change_client(session, client_id, given, access.actor, version=expected)
            return _shown(session, client_id, response)
    except ChangedMeanwhileError:
        raise stale() from None


@router.put(PATH + "/{client_id}/booking", responses=STALE)
def book(
    client_id: UUID, booking: BookingDocument, access: Changing, response: Response, if_match: IfMatch = None
) -> ClientDocument:
    """Say how customers book. 422 when the page can't be sent to anyone; it is never fetched, and nothing is paid."""
    expected = version(if_match)
    try:
        with access.client_scope(client_id) as session:
            change_booking(session, client_id, booking.mode, booking.url, access.actor, version=expected)
            return _shown(session, client_id, response)
    except ChangedMeanwhileError:
        raise stale() from None


@router.get(PATH + "/{client_id}/settings")
def show_settings(client_id: UUID, access: Viewing, response: Response) -> SettingsDocument:
    """Show how a client wants things done."""
    with access.client_scope(client_id) as session:
        return _settings(SettingsDocument.of(read_settings(session, client_id)), response)


@router.patch(PATH + "/{client_id}/settings", responses=STALE)
def set_(
    client_id: UUID, changes: SettingsChanges, access: Changing, response: Response, if_match: IfMatch = None
) -> SettingsDocument:
    """Change how a client wants things done; it holds at once, for what waits as well."""
    given, expected = changes.given(), version(if_match)
    if changes.quiet_hours is not None:
        given["quiet_hours"] = (changes.quiet_hours.start, changes.quiet_hours.end)
    try:
        with access.client_scope(client_id) as session:
            stored = change_settings(session, client_id, cast("GivenSettings", given), access.actor, version=expected)
            return _settings(SettingsDocument.of(stored), response)
    except ChangedMeanwhileError:
        raise stale() from None


@router.post(PATH + "/{client_id}/switches/{switch}/pause")
def pause(client_id: UUID, switch: Switch, why: Because, access: Throwing, response: Response) -> ClientDocument:
    """Stop what a switch is for, at once and for what waits as well. What is not sent then is not sent later."""
    with access.client_scope(client_id) as session:
        throw_switch(session, client_id, switch, access.actor, stopped=True, reason=why.reason)
        return _shown(session, client_id, response)


@router.post(PATH + "/{client_id}/switches/{switch}/resume")
def resume(client_id: UUID, switch: Switch, why: Because, access: Throwing, response: Response) -> ClientDocument:
    """Let what a switch is for go on."""
    with access.client_scope(client_id) as session:
        throw_switch(session, client_id, switch, access.actor, stopped=False, reason=why.reason)
        return _shown(session, client_id, response)


@router.post(PATH + "/{client_id}/go-live")
def take_live(client_id: UUID, access: GoingLive, response: Response) -> ClientDocument:
    """Complete a client's onboarding: from now on its customers are answered. 409 says what is missing."""
    with access.client_scope(client_id) as session:
        go_live(session, client_id, access.actor)
        return _shown(session, client_id, response)


@router.post(PATH + "/{client_id}/billing")
def bill(client_id: UUID, given: BillingStep, access: Billing) -> BillingDocument:
    """Take a step in a client's billing; the gate knows at once. 409 says why it can't be, and what can."""
    with access.client_scope(client_id) as session:
        client = take_step(session, client_id, given.step, access.actor, at=given.at, reason=given.reason)
        return billing_document(session, client)


@router.post(PATH + "/{client_id}/archive")
def archive(client_id: UUID, why: Because, access: Archiving, response: Response) -> ClientDocument:
    """Part with a client for good: its number is free, nothing is sent any more, its history stays."""
    with access.client_scope(client_id) as session:
        archive_client(session, client_id, why.reason, access.actor)
        return _shown(session, client_id, response)


def _shown(session: Session, client_id: UUID, response: Response) -> ClientDocument:
    document = client_document(session, client_id)
    response.headers["ETag"] = etag(document.updated_at)
    return document


def _settings(document: SettingsDocument, response: Response) -> SettingsDocument:
    if document.updated_at is not None:
        response.headers["ETag"] = etag(document.updated_at)
    return document
