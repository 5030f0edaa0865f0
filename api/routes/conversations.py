"""Conversations as those read and answer them who stand in for the AI."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.access.requires import Access, requires
from api.errors import ProblemError
from api.schemas.paging import After, Limit, Page, cursor, position
from domain.conversations.takeover import TEXT_LIMIT, Person, Refused, release, reply_as_person
from domain.conversations.transcript import (
    PAGE,
    Listed,
    Transcript,
    list_conversations,
    organization_of_conversation,
    read_transcript,
)
from domain.kernel.clock import SystemClock

if TYPE_CHECKING:
    from providers.signals import RedisSignals

router = APIRouter(tags=["Conversations"])
Viewing = Annotated[Access, requires("conversations.view")]
Replying = Annotated[Access, requires("conversations.reply")]
_LONGEST_NAME = 100


class LineDocument(BaseModel):
    """One text. `author`: contact, ai, system or person; `outcome`: what became of one that came in."""

    id: UUID
    direction: str
    author: str
    text: str
    at: datetime
    outcome: str | None
    correlation_id: UUID
    delivery_id: UUID | None
    delivery_state: str | None
    delivery_error: str | None


class ConversationDocument(BaseModel):
    """A conversation with its last texts, the oldest of them first. `next`: send it as `before` for older ones."""

    id: UUID
    client_id: UUID
    client_name: str
    channel: str
    address: str
    taken_over_until: datetime | None
    taken_over_by: str | None
    items: list[LineDocument]
    next: UUID | None


class ConversationSummary(BaseModel):
    """A conversation without its texts."""

    id: UUID
    client_id: UUID
    channel: str
    address: str
    last_message_at: datetime
    taken_over_until: datetime | None
    taken_over_by: str | None


class PersonsReply(BaseModel):
    """What a person answers. `minutes` without AI follow from the client's settings."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LIMIT)] = Field(
        repr=False
    )
    author: Literal["operator", "owner"] = "operator"
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_LONGEST_NAME)] | None = None


class ReplyDocument(BaseModel):
    """The reply as it is stored. `delivery_id` is missing in a web chat, which shows it at once."""

    message_id: UUID
    delivery_id: UUID | None
    taken_over_until: datetime | None


class ReleaseDocument(BaseModel):
    """Whether a person had the conversation until now."""

    released: bool


@router.get("/api/v1/conversations")
def conversations(access: Viewing, client: UUID, limit: Limit = 50, after: After = None) -> Page[ConversationSummary]:
    """Return a client's conversations, those first in which something was said last."""
    place = position(after, _at, UUID)
    with access.client_scope(client) as session:
        found = list_conversations(session, client, limit=limit, after=None if place is None else (place[0], place[1]))
    items = [_summary(client, one) for one in found]
    last = items[-1] if len(items) == limit else None
    return Page(items=items, next=None if last is None else cursor(last.last_message_at.isoformat(), last.id))


@router.get("/api/v1/conversations/{conversation_id}")
def conversation(
    conversation_id: UUID,
    access: Viewing,
    before: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
) -> ConversationDocument:
    """Return a conversation, who answers it now, and its last texts."""
    with access.scope() as session:
        return _document(read_transcript(session, conversation_id, before=before, limit=limit))


@router.post("/api/v1/conversations/{conversation_id}/messages", status_code=201)
def reply(
    request: Request,
    conversation_id: UUID,
    answer: PersonsReply,
    access: Replying,
    idempotency_key: Annotated[str | None, Header(max_length=100)] = None,
) -> ReplyDocument:
    """Answer in place of the AI, which is then silent for the client's `takeover_minutes`.

    With an `Idempotency-Key` a repeat sends nothing again. 409 when the contact has opted out or the client is paused.
    """
    person = Person(access.actor, answer.author, answer.name)
    with access.scope_of(_organization(access, conversation_id)) as session:
        found = reply_as_person(session, conversation_id, answer.text, person, clock=SystemClock(), key=idempotency_key)
    if isinstance(found, Refused):
        raise ProblemError(409, f"Nothing was sent: {found.reason}", kind="blocked-by-the-gate")
    _signals(request).changed(conversation_id)
    return ReplyDocument(
        message_id=found.message_id, delivery_id=found.delivery_id, taken_over_until=found.taken_over_until
    )


@router.post("/api/v1/conversations/{conversation_id}/release")
def give_back(conversation_id: UUID, access: Replying) -> ReleaseDocument:
    """Let the AI answer again, from the next message on. What came in meanwhile stays left to the person."""
    with access.scope_of(_organization(access, conversation_id)) as session:
        released = release(session, conversation_id, Person(access.actor), clock=SystemClock())
    return ReleaseDocument(released=released)


def _organization(access: Access, conversation_id: UUID) -> UUID:
    if access.org_id is not None:
        return access.org_id
    with access.platform() as session:
        return organization_of_conversation(session, conversation_id)


def _at(text: object) -> datetime:
    """Return a time of a cursor. Raises ValueError or TypeError."""
    if not isinstance(text, str) or (at := datetime.fromisoformat(text)).tzinfo is None:
        raise ValueError(text)
    return at


def _summary(client_id: UUID, found: Listed) -> ConversationSummary:
    return ConversationSummary(
        id=found.id,
        client_id=client_id,
        channel=found.channel,
        address=found.address,
        last_message_at=found.last_message_at,
        taken_over_until=found.taken_over_until,
        taken_over_by=found.taken_over_by,
    )


def _signals(request: Request) -> RedisSignals:
    signals: RedisSignals = request.app.state.thread_signals
    return signals


def _document(found: Transcript) -> ConversationDocument:
    return ConversationDocument(
        id=found.id,
        client_id=found.client_id,
        client_name=found.client_name,
        channel=found.channel,
        address=found.address,
        taken_over_until=found.taken_over_until,
        taken_over_by=found.taken_over_by,
        items=[LineDocument.model_validate(line, from_attributes=True) for line in found.lines],
        next=found.lines[0].id if found.more and found.lines else None,
    )
