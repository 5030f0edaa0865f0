"""What a handset shows: the texts that its number sent to a business, and those that the sandbox "sent" to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from sqlalchemy import select

from domain.clients.models import Client
from domain.conversations.models import ThreadMessage
from domain.delivery.models import Delivery, NotificationLog
from providers.sandbox.models import SandboxMessage

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SHOWN: Final = 100
"""The latest texts of each direction."""


@dataclass(frozen=True, slots=True)
class Business:
    """A client that can be texted. `owner_phone` gets its alerts."""

    client_id: UUID
    org_id: UUID
    name: str
    sms_number: str
    owner_phone: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """One text on the handset. `sid` is Twilio's id of one that the handset sent."""

    id: UUID
    direction: Literal["sent", "received"]
    text: str = field(repr=False)
    at: datetime
    correlation_id: UUID | None
    sid: str | None

    def in_json(self) -> dict[str, Any]:
        """Return the text as the page gets it."""
        return {
            "id": str(self.id),
            "direction": self.direction,
            "text": self.text,
            "at": self.at.isoformat(),
            "correlation_id": None if self.correlation_id is None else str(self.correlation_id),
            "sid": self.sid,
        }


def businesses(session: Session, client_id: UUID | None = None) -> Sequence[Business]:
    """Return the clients of this scope that have a number, those of the demo first; or that one of them."""
    query = (
        select(Client.id, Client.org_id, Client.name, Client.sms_number, Client.owner_phone)
        .where(Client.sms_number.is_not(None))
        .order_by(Client.id)
        .limit(SHOWN)
    )
    if client_id is not None:
        query = query.where(Client.id == client_id)
    rows = session.execute(query).all()
    return [Business(one, org_id, name, number or "", owner) for one, org_id, name, number, owner in rows]


def texts_of(session: Session, business: Business, number: str) -> Sequence[Text]:
    """Return the latest texts between a number and a business of this scope, oldest first."""
    message, sandbox = ThreadMessage, SandboxMessage
    sent = (
        select(message.id, message.body, message.received_at, message.correlation_id, message.external_id)
        .where(
            message.client_id == business.client_id,
            message.channel == "sms",
            message.direction == "in",
            message.address == number,
        )
        .order_by(message.received_at.desc())
        .limit(SHOWN)
    )
    received = (
        select(sandbox.attempt_id, sandbox.body, sandbox.created_at, Delivery.correlation_id)
        .join(NotificationLog, NotificationLog.id == sandbox.attempt_id)
        .join(Delivery, Delivery.id == NotificationLog.delivery_id)
        .where(sandbox.client_id == business.client_id, sandbox.to_address == number)
        .order_by(sandbox.created_at.desc())
        .limit(SHOWN)
    )
    texts = [Text(i, "sent", body, at, journey, sid) for i, body, at, journey, sid in session.execute(sent)]
    texts += [Text(i, "received", body, at, journey, None) for i, body, at, journey in session.execute(received)]
    return sorted(texts, key=lambda text: (text.at, text.id))
