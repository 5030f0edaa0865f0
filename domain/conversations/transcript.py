"""A conversation as those who answer it read it: who said what, and what became of each text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import select, tuple_

from domain.clients.models import Client
from domain.conversations.models import Contact, Conversation, ThreadMessage
from domain.conversations.takeover import ConversationNotFoundError
from domain.delivery.models import Delivery

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One text. `outcome`: what became of one that came in; `delivery_*`: of one that was sent."""

    id: UUID
    direction: str
    author: str
    text: str = field(repr=False)
    at: datetime
    outcome: str | None
    correlation_id: UUID
    delivery_id: UUID | None
    delivery_state: str | None
    delivery_error: str | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation with its last texts, the oldest of them first. `more`: there are older ones."""

    id: UUID
    org_id: UUID
    client_id: UUID
    client_name: str
    channel: str
    address: str = field(repr=False)
    taken_over_until: datetime | None
    taken_over_by: str | None
    lines: Sequence[Line]
    more: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation without its texts."""

    id: UUID
    channel: str
    address: str = field(repr=False)
    last_message_at: datetime
    taken_over_until: datetime | None
    taken_over_by: str | None


def list_conversations(
    session: Session, client_id: UUID, *, limit: int = PAGE, after: tuple[datetime, UUID] | None = None
) -> Sequence[Listed]:
    """Return a client's conversations in which something was said last, the latest first.

    `after`: time and id of the last one of the page before. What is said meanwhile moves a conversation to the front.
    """
    query = (
        select(
            Conversation.id,
            Conversation.channel,
            Contact.address,
            Conversation.last_message_at,
            Conversation.taken_over_until,
            Conversation.taken_over_by,
        )
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(Conversation.client_id == client_id)
        .order_by(Conversation.last_message_at.desc(), Conversation.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(Conversation.last_message_at, Conversation.id) < tuple_(*after))
    return [Listed(*row) for row in session.execute(query)]


def organization_of_conversation(session: Session, conversation_id: UUID) -> UUID:
    """Return whose conversation this is. Needs a platform scope. Raises ConversationNotFoundError."""
    org_id = session.scalar(select(Conversation.org_id).where(Conversation.id == conversation_id))
    if org_id is None:
        raise ConversationNotFoundError("There is no such conversation.")
    return org_id


def read_transcript(
    session: Session, conversation_id: UUID, *, before: UUID | None = None, limit: int = PAGE
) -> Transcript:
    """Return a conversation and its last `limit` texts, or those before a message. Raises ConversationNotFoundError."""
    head = session.execute(
        select(
            Conversation.id,
            Conversation.org_id,
            Conversation.client_id,
            Client.name,
            Conversation.channel,
            Contact.address,
            Conversation.taken_over_until,
            Conversation.taken_over_by,
        )
        .join(Client, Client.id == Conversation.client_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(Conversation.id == conversation_id)
    ).one_or_none()
    if head is None:
        raise ConversationNotFoundError
    lines = _lines(session, conversation_id, before, limit + 1)
    return Transcript(*head, lines=lines[-limit:], more=len(lines) > limit)


def _lines(session: Session, conversation_id: UUID, before: UUID | None, limit: int) -> Sequence[Line]:
    said = ThreadMessage
    query = (
        select(
            said.id,
            said.direction,
            said.author,
            said.body,
            said.received_at,
            said.outcome,
            said.correlation_id,
            Delivery.id,
            Delivery.state,
            Delivery.error_text,
        )
        .outerjoin(Delivery, Delivery.message_id == said.id)
        .where(said.conversation_id == conversation_id)
        .order_by(said.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(said.id < before)
    rows: Sequence[Any] = session.execute(query).all()
    return [Line(*row) for row in reversed(rows)]
