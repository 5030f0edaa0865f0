"""What an open chat window shows of its conversation, and what came after what it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select, tuple_

from domain.conversations.models import ThreadMessage

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WINDOW: Final = 200
"""Messages of one reading: the first of those that are missing."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a thread. The database's clock orders it, because ids are made by hosts whose clocks may differ."""

    received_at: datetime
    message_id: UUID


@dataclass(frozen=True, slots=True)
class Shown:
    """One text as the visitor may see it. `author`: contact, ai, system or person."""

    id: UUID
    author: str
    text: str = field(repr=False)
    at: datetime
    correlation_id: UUID

    @property
    def position(self) -> Position:
        """Where in the thread it stands."""
        return Position(self.at, self.id)


def position_of(session: Session, conversation_id: UUID, message_id: UUID) -> Position | None:
    """Return where a message stands in this conversation; None when it is not of this conversation."""
    at = session.scalar(
        select(ThreadMessage.received_at).where(
            ThreadMessage.id == message_id, ThreadMessage.conversation_id == conversation_id
        )
    )
    return None if at is None else Position(at, message_id)


def read_window(session: Session, conversation_id: UUID, after: Position | None) -> Sequence[Shown]:
    """Return what was said after a place in the thread, oldest first; all of it for None."""
    message = ThreadMessage
    query = (
        select(message.id, message.author, message.body, message.received_at, message.correlation_id)
        .where(message.conversation_id == conversation_id)
        .order_by(message.received_at, message.id)
        .limit(WINDOW)
    )
    if after is not None:
        query = query.where(tuple_(message.received_at, message.id) > tuple_(after.received_at, after.message_id))
    return [Shown(*row) for row in session.execute(query)]
