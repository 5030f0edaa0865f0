"""Everything that a decision looks at, read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, select

from domain.clients.models import Client, ClientSettings
from domain.kernel.errors import NotFoundError
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a client at the instant `now`, and what is known of the send that is asked about.

    Times are timezone-aware. `quiet_hours` are wall-clock times in the client's `timezone`: the start (included) and
    the end (not included). `direct_reply` says that the contact has just written and waits for this text.
    """

    client_id: UUID
    org_id: UUID
    org_active: bool
    onboarding_complete: bool
    billing_status: str
    payment_active: bool
    trial_used_at: datetime | None
    trial_ends_at: datetime | None
    cancels_at: datetime | None
    outbound_paused: bool
    notifications_paused: bool
    ai_disabled: bool
    booking_mode: str
    booking_url: str | None
    timezone: str
    quiet_hours: tuple[time, time] | None
    recipient_opted_out: bool
    direct_reply: bool
    now: datetime


_STATE = (
    select(
        Client.org_id,
        Organization.status.label("org_status"),
        Client.onboarding_complete,
        Client.billing_status,
        Client.payment_active,
        Client.trial_used_at,
        Client.trial_ends_at,
        Client.cancels_at,
        Client.outbound_paused,
        Client.notifications_paused,
        Client.ai_disabled,
        Client.booking_mode,
        Client.booking_url,
        Client.timezone,
        ClientSettings.quiet_hours_start,
        ClientSettings.quiet_hours_end,
    )
    .join(Organization, Organization.id == Client.org_id)
    .outerjoin(ClientSettings, ClientSettings.client_id == Client.id)
    .where(Client.id == bindparam("client_id"))
)


def load_snapshot(
    session: Session,
    client_id: UUID,
    *,
    now: datetime,
    recipient_opted_out: bool = False,
    direct_reply: bool = False,
) -> Snapshot:
    """Read a client's state in one query, as this transaction sees it.

    Raises:
        NotFoundError: there is no such client in this scope.

    """
    row = session.execute(_STATE, {"client_id": client_id}).one_or_none()
    if row is None:
        raise NotFoundError("There is no such client in this organization.")
    start, end = row.quiet_hours_start, row.quiet_hours_end
    return Snapshot(
        client_id=client_id,
        org_id=row.org_id,
        org_active=row.org_status == "active",
        onboarding_complete=row.onboarding_complete,
        billing_status=row.billing_status,
        payment_active=row.payment_active,
        trial_used_at=row.trial_used_at,
        trial_ends_at=row.trial_ends_at,
        cancels_at=row.cancels_at,
        outbound_paused=row.outbound_paused,
        notifications_paused=row.notifications_paused,
        ai_disabled=row.ai_disabled,
        booking_mode=row.booking_mode,
        booking_url=row.booking_url,
        timezone=row.timezone,
        quiet_hours=None if start is None or end is None else (start, end),
        recipient_opted_out=recipient_opted_out,
        direct_reply=direct_reply,
        now=now,
    )
