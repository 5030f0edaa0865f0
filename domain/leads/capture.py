"""Take down who wants to be called back, and tell the owner."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.alerts.policy import Alert, AlertKind
from domain.alerts.raising import raise_alert
from domain.alerts.wording import quote
from domain.clients.emails import is_email
from domain.clients.errors import InvalidNumberError
from domain.clients.models import Client
from domain.clients.numbers import parse_number, region_of
from domain.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from domain.kernel.ids import new_id
from domain.leads.models import Lead
from domain.statistics.activities import Activity, note
from domain.webhooks.emit import emit
from domain.webhooks.events import EventType

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DEFAULT_REGION: Final = "US"


class UnusableNumberError(InvalidInputError):
    """That is not a telephone number that can be called. Write it with its area code."""


class UnusableEmailError(InvalidInputError):
    """That is not an e-mail address."""


class NoAddressError(InvalidInputError):
    """Leave a telephone number or an e-mail address, so that somebody can answer you."""


class LeadKeyReusedError(ConflictError):
    """The idempotency key was used for another request."""


@dataclass(frozen=True, slots=True)
class NewLead:
    """What somebody left. `phone` may be written as people of the client's country do."""

    org_id: UUID
    client_id: UUID
    idempotency_key: str
    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    message: str = field(default="", repr=False)
    bot_id: UUID | None = None
    conversation_id: UUID | None = None


def capture_lead(session: Session, new: NewLead, *, now: datetime) -> UUID:
    """Store a lead, alert the owner and tell endpoints, in the session's transaction; return the lead's id.

    A repeat returns the first one's id and does nothing else. Raises UnusableNumberError, UnusableEmailError,
    NoAddressError, LeadKeyReusedError (the key came with something else), and NotFoundError: there is no such client.
    """
    lead = _checked(session, new)
    stored: UUID | None = session.scalar(
        insert(Lead)
        .values(**lead)
        .on_conflict_do_nothing(index_elements=["client_id", "idempotency_key"])
        .returning(Lead.id)
    )
    if stored is None:
        return _before(session, lead)
    correlation_id: UUID = lead["correlation_id"]
    note(session, Activity.LEAD, "captured", org_id=new.org_id, client_id=new.client_id)
    emit(
        session,
        EventType.LEAD_CAPTURED,
        {
            "lead_id" if key == "id" else key: str(value)
            for key, value in lead.items()
            if value is not None and key not in _INTERNAL
        },
        org_id=new.org_id,
        client_id=new.client_id,
        correlation_id=correlation_id,
    )
    raise_alert(session, _alert(new, stored, _summary(lead), correlation_id), now=now)
    return stored


_INTERNAL: Final = frozenset({"org_id", "idempotency_key"})
_COMPARED: Final = ("name", "phone", "email", "message")


def _checked(session: Session, new: NewLead) -> dict[str, Any]:
    """Return the row of a lead."""
    phone = _phone(session, new) if new.phone.strip() else None
    email = new.email.strip() or None
    if email is not None and not is_email(email):
        raise UnusableEmailError
    if phone is None and email is None:
        raise NoAddressError
    return {
        "id": new_id(),
        "org_id": new.org_id,
        "client_id": new.client_id,
        "bot_id": new.bot_id,
        "conversation_id": new.conversation_id,
        "idempotency_key": new.idempotency_key,
        "name": " ".join(new.name.split()) or None,
        "phone": phone,
        "email": email,
        "message": new.message.strip(),
        "correlation_id": new_id(),
    }


def _phone(session: Session, new: NewLead) -> str:
    row = session.execute(select(Client.sms_number, Client.owner_phone).where(Client.id == new.client_id)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such client in this organization.")
    region = region_of(row.sms_number) or region_of(row.owner_phone) or DEFAULT_REGION
    try:
        return parse_number(new.phone, region=region)
    except InvalidNumberError:
        raise UnusableNumberError from None


def _before(session: Session, lead: dict[str, Any]) -> UUID:
    known = session.execute(
        select(Lead.id, Lead.name, Lead.phone, Lead.email, Lead.message).where(
            Lead.client_id == lead["client_id"], Lead.idempotency_key == lead["idempotency_key"]
        )
    ).one()
    if any(getattr(known, name) != lead[name] for name in _COMPARED):
        raise LeadKeyReusedError
    lead_id: UUID = known.id
    return lead_id


def _summary(lead: dict[str, Any]) -> str:
    reached = " or ".join(str(lead[name]) for name in ("phone", "email") if lead[name] is not None)
    who = f"{lead['name']} ({reached})" if lead["name"] else reached
    said = f" and wrote: {quote(str(lead['message']))}" if lead["message"] else "."
    return f"{who} asks to be called back{said}"


def _alert(new: NewLead, lead_id: UUID, summary: str, correlation_id: UUID) -> Alert:
    return Alert(
        org_id=new.org_id,
        client_id=new.client_id,
        kind=AlertKind.NEW_LEAD,
        subject=f"lead:{lead_id}",
        summary=summary,
        conversation_id=new.conversation_id,
        correlation_id=correlation_id,
    )
