"""Tell an organization's own programs that a message to a contact left."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from domain.delivery.repository import Loaded
from domain.webhooks.emit import emit
from domain.webhooks.events import JSON, EventType

_REPLIES: Final = frozenset({"reply", "fallback", "person", "crisis"})


def tell_sent(session: Session, delivery: Loaded, provider_id: str, at: datetime) -> None:
    """Tell of a reply that a provider took, in the transaction that records it."""
    if delivery.purpose not in _REPLIES:
        return
    payload: dict[str, JSON] = {
        "delivery_id": str(delivery.id),
        "message_id": None if delivery.message_id is None else str(delivery.message_id),
        "purpose": delivery.purpose,
        "channel": delivery.channel,
        "address": delivery.to_address,
        "text": delivery.body,
        "provider_id": provider_id,
        "sent_at": at.isoformat(),
    }
    emit(
        session,
        EventType.REPLY_SENT,
        payload,
        org_id=delivery.org_id,
        client_id=delivery.client_id,
        correlation_id=delivery.correlation_id,
    )
