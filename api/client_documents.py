"""Puts together what is shown of a client: what is stored, and what the gate makes of it now."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from api.schemas.bots import BotDocument
from api.schemas.clients import (
    BillingDocument,
    BookingDocument,
    ClientDocument,
    ListedClientDocument,
    SettingsDocument,
    StandingDocument,
    SwitchesDocument,
)
from domain.clients.billing import possible_steps
from domain.clients.listing import get_client
from domain.clients.onboarding import missing
from domain.gate.guards import Guard
from domain.gate.policy import RULES
from domain.gate.snapshot import load_snapshot
from domain.kernel.clock import SystemClock

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.clients.models import Client
    from domain.gate.snapshot import Snapshot
    from domain.tenancy.models import Organization


def listed_document(client: Client, organization: Organization) -> ListedClientDocument:
    """Return a client as it is listed."""
    return ListedClientDocument(
        id=client.id,
        org_id=client.org_id,
        organization=organization.name,
        slug=client.slug,
        name=client.name,
        sms_number=client.sms_number,
        live=client.onboarding_complete,
        billing_status=client.billing_status,
        outbound_paused=client.outbound_paused,
        archived_at=client.archived_at,
        updated_at=client.updated_at,
    )


def client_document(session: Session, client_id: UUID) -> ClientDocument:
    """Return a client of this scope with all that belongs to it. Raises ClientNotFoundError."""
    view = get_client(session, client_id)
    client = view.client
    # Nothing is acted on, so the decisions are not put on record.
    snapshot = load_snapshot(session, client_id, now=SystemClock().now(), direct_reply=True)
    return ClientDocument(
        **listed_document(client, view.organization).model_dump(),
        timezone=client.timezone,
        messaging_service_sid=client.messaging_service_sid,
        owner_name=client.owner_name,
        owner_phone=client.owner_phone,
        owner_email=client.owner_email,
        booking=BookingDocument(mode=client.booking_mode, url=client.booking_url),
        switches=SwitchesDocument.model_validate(client),
        billing=billing_document(session, client),
        settings=SettingsDocument.of(view.settings),
        bots=[BotDocument.model_validate(bot) for bot in view.bots],
        missing=[] if client.onboarding_complete else list(missing(client)),
        customers_are_answered=_standing(snapshot, Guard.CAN_PROCESS_CUSTOMER_MESSAGE),
        owner_is_alerted=_standing(snapshot, Guard.CAN_PROCESS_NOTIFICATION_REQUEST),
        created_at=client.created_at,
    )


def billing_document(session: Session, client: Client) -> BillingDocument:
    """Return where a client's billing stands."""
    return BillingDocument(
        billing_status=client.billing_status,
        payment_active=client.payment_active,
        trial_used_at=client.trial_used_at,
        trial_ends_at=client.trial_ends_at,
        cancel_requested_at=client.cancel_requested_at,
        cancels_at=client.cancels_at,
        possible=list(possible_steps(session, client)),
    )


def _standing(snapshot: Snapshot, guard: Guard) -> StandingDocument:
    decision = RULES[guard](snapshot)
    return StandingDocument(outcome=decision.outcome, guard=decision.guard.value, reason=decision.reason)
