"""What a tenant's endpoints are told about conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from domain.conversations.thread import Waiting
from domain.webhooks.emit import emit
from domain.webhooks.events import JSON, EventType

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Correspondence:
    """With whom a conversation is held. `address`: the contact's number (sms) or visitor's id (web)."""

    org_id: UUID
    client_id: UUID
    conversation_id: UUID
    channel: str
    address: str = field(repr=False)


def tell_received(session: Session, whom: Correspondence, messages: Sequence[Waiting], outcome: str) -> None:
    """Tell of messages and what became of them, in the transaction that decides it: so each is told of once."""
    for one in messages:
        payload = {
            "message_id": str(one.id),
            "conversation_id": str(whom.conversation_id),
            "channel": whom.channel,
            "address": whom.address,
            "text": one.body,
            "received_at": one.received_at.isoformat(),
            "outcome": outcome,
        }
        emit(
            session,
            EventType.MESSAGE_RECEIVED,
            payload,
            org_id=whom.org_id,
            client_id=whom.client_id,
            correlation_id=one.correlation_id,
        )


def tell_call_back(session: Session, whom: Correspondence, last: Waiting) -> None:
    """Tell that a contact was offered a call-back."""
    payload = {
        "message_id": str(last.id),
        "conversation_id": str(whom.conversation_id),
        "channel": whom.channel,
        "address": whom.address,
    }
    emit(
        session,
        EventType.CALL_BACK_REQUESTED,
        payload,
        org_id=whom.org_id,
        client_id=whom.client_id,
        correlation_id=last.correlation_id,
    )


def tell_replied(
    session: Session, whom: Correspondence, message_id: UUID, purpose: str, text: str, correlation_id: UUID
) -> None:
    """Tell of a reply in a web chat, which has it with this commit. Of one that leaves, its delivery tells."""
    payload: dict[str, JSON] = {
        "delivery_id": None,
        "message_id": str(message_id),
        "conversation_id": str(whom.conversation_id),
        "purpose": purpose,
        "channel": whom.channel,
        "address": whom.address,
        "text": text,
    }
    emit(
        session,
        EventType.REPLY_SENT,
        payload,
        org_id=whom.org_id,
        client_id=whom.client_id,
        correlation_id=correlation_id,
    )
