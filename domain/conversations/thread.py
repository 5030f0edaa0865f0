"""Open a conversation for processing: one job at a time, under a lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.conversations.messages import ProcessMessages
from domain.conversations.models import Contact, Conversation, ThreadMessage
from domain.kernel.errors import ConflictError
from domain.kernel.ids import new_id
from domain.queue.run import Run
from domain.replies.ports import Turn

LEASE: Final = timedelta(seconds=90)
"""Longer than a run may take: only a job whose worker is gone loses it before it ends."""
HISTORY: Final = 6


class LeaseLostError(ConflictError):
    """Another job has taken this conversation over; what this one did is rolled back."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that nobody has processed yet."""

    id: UUID
    body: str
    correlation_id: UUID


def take_thread(session: Session, message: ProcessMessages, run: Run) -> UUID | None:
    """Find or make the contact's conversation and take its lease; None when another job holds it."""
    contact_id = session.execute(
        insert(Contact)
        .values(
            id=new_id(),
            org_id=run.org_id,
            client_id=message.client_id,
            channel=message.channel,
            address=message.address,
        )
        .on_conflict_do_update(index_elements=["client_id", "channel", "address"], set_={"updated_at": func.now()})
        .returning(Contact.id)
    ).scalar_one()
    conversation_id = session.execute(
        insert(Conversation)
        .values(
            id=new_id(), org_id=run.org_id, client_id=message.client_id, contact_id=contact_id, channel=message.channel
        )
        .on_conflict_do_update(index_elements=["contact_id"], set_={"last_message_at": func.now()})
        .returning(Conversation.id)
    ).scalar_one()
    return session.execute(
        update(Conversation)
        .where(
            Conversation.id == conversation_id,
            or_(
                Conversation.processing_job_id.is_(None),
                Conversation.processing_job_id == run.job_id,
                Conversation.processing_until < func.now(),
            ),
        )
        .values(processing_job_id=run.job_id, processing_until=func.now() + LEASE)
        .returning(Conversation.id)
    ).scalar()


def release_thread(session: Session, conversation_id: UUID, run: Run) -> None:
    """Give the lease back. Raises LeaseLostError when it is another job's by now."""
    released = session.execute(
        update(Conversation)
        .where(Conversation.id == conversation_id, Conversation.processing_job_id == run.job_id)
        .values(processing_job_id=None, processing_until=None)
        .returning(Conversation.id)
    ).scalar()
    if released is None:
        raise LeaseLostError


def waiting_messages(session: Session, message: ProcessMessages, conversation_id: UUID) -> Sequence[Waiting]:
    """Put the contact's unprocessed messages into the conversation and return them in order of arrival."""
    rows = session.execute(
        update(ThreadMessage)
        .where(
            ThreadMessage.client_id == message.client_id,
            ThreadMessage.channel == message.channel,
            ThreadMessage.address == message.address,
            ThreadMessage.direction == "in",
            ThreadMessage.processed_at.is_(None),
        )
        .values(conversation_id=conversation_id)
        .returning(ThreadMessage.id, ThreadMessage.body, ThreadMessage.correlation_id)
    )
    return sorted((Waiting(*row) for row in rows), key=lambda waiting: waiting.id)


def history(session: Session, conversation_id: UUID) -> Sequence[Turn]:
    """Return the last turns that were processed, oldest first."""
    rows = session.execute(
        select(ThreadMessage.author, ThreadMessage.body)
        .where(
            ThreadMessage.conversation_id == conversation_id,
            or_(ThreadMessage.direction == "out", ThreadMessage.processed_at.is_not(None)),
        )
        .order_by(ThreadMessage.id.desc())
        .limit(HISTORY)
    ).all()
    return [Turn("contact" if author == "contact" else "us", body) for author, body in reversed(rows)]


def mark_processed(
    session: Session, messages: Sequence[Waiting], outcome: str, answered_by: UUID | None = None
) -> None:
    """Note what became of messages."""
    session.execute(
        update(ThreadMessage)
        .where(ThreadMessage.id.in_([waiting.id for waiting in messages]), ThreadMessage.processed_at.is_(None))
        .values(processed_at=func.now(), outcome=outcome, answered_by=answered_by)
    )
