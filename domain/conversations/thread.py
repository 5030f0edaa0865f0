"""Open a conversation for processing: one job at a time, under a lease.

Written for psycopg: every message passes through all of these, and SQLAlchemy takes several times the CPU over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.conversations.messages import ProcessMessages
from domain.kernel.database import raw_connection
from domain.kernel.errors import ConflictError
from domain.kernel.ids import new_id
from domain.queue.run import Run
from domain.replies.ports import Turn

LEASE: Final = timedelta(seconds=90)
"""Longer than a run may take: only a job whose worker is gone loses it before it ends."""
HISTORY: Final = 6


# A lease that nobody holds, that this job holds already or that has run out is this job's from now on.
_TAKE: Final = """
    WITH contact AS (
        INSERT INTO contacts (id, org_id, client_id, channel, address)
        VALUES (%(contact_id)s, %(org_id)s, %(client_id)s, %(channel)s, %(address)s)
        ON CONFLICT (client_id, channel, address) DO UPDATE SET updated_at = now()
        RETURNING id
    )
    INSERT INTO conversations AS c (id, org_id, client_id, contact_id, channel, processing_job_id, processing_until)
    SELECT %(conversation_id)s, %(org_id)s, %(client_id)s, contact.id, %(channel)s, %(job_id)s, now() + %(lease)s
    FROM contact
    ON CONFLICT (contact_id) DO UPDATE SET
        last_message_at = now(),
        (processing_job_id, processing_until) = (
            SELECT CASE WHEN free THEN excluded.processing_job_id ELSE c.processing_job_id END,
                   CASE WHEN free THEN excluded.processing_until ELSE c.processing_until END
            FROM (SELECT c.processing_job_id IS NULL OR c.processing_job_id = excluded.processing_job_id
                         OR c.processing_until < now()) lease (free)
        )
    RETURNING id, processing_job_id = %(job_id)s, taken_over_until
"""
_RELEASE: Final = """
    UPDATE conversations SET processing_job_id = NULL, processing_until = NULL
    WHERE id = %s AND processing_job_id = %s
    RETURNING taken_over_until
"""
_WAITING: Final = """
    UPDATE messages SET conversation_id = %s
    WHERE client_id = %s AND channel = %s AND address = %s AND direction = 'in' AND processed_at IS NULL
    RETURNING id, body, correlation_id, consent, came_by, received_at
"""
_HISTORY: Final = """
    SELECT author, body FROM messages
    WHERE conversation_id = %s AND (direction = 'out' OR processed_at IS NOT NULL)
    ORDER BY id DESC LIMIT %s
"""
_PROCESSED: Final = """
    UPDATE messages SET processed_at = now(), outcome = %s, answered_by = %s
    WHERE id = ANY(%s) AND processed_at IS NULL
"""


class LeaseLostError(ConflictError):
    """Another job has taken this conversation over; what this one did is rolled back."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that nobody has processed yet."""

    id: UUID
    body: str
    correlation_id: UUID
    consent: str | None
    came_by: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation under lease, and until when a person answers it, if one has taken it over."""

    id: UUID
    taken_over_until: datetime | None


def take_thread(session: Session, message: ProcessMessages, run: Run) -> Thread | None:
    """Find or make the contact's conversation and take its lease; None when another job holds it."""
    parameters = {
        "contact_id": new_id(),
        "conversation_id": new_id(),
        "org_id": run.org_id,
        "client_id": message.client_id,
        "channel": message.channel,
        "address": message.address,
        "job_id": run.job_id,
        "lease": LEASE,
    }
    row: tuple[UUID, bool, datetime | None] | None = raw_connection(session).execute(_TAKE, parameters).fetchone()
    return Thread(row[0], row[2]) if row is not None and row[1] else None


def release_thread(session: Session, conversation_id: UUID, run: Run) -> Thread:
    """Give the lease back, and return the thread as it is now.

    The row is locked from here on, so a person who takes it over now does so after this transaction. Raises
    LeaseLostError when it is another job's by now.
    """
    row: tuple[datetime | None] | None = (
        raw_connection(session).execute(_RELEASE, (conversation_id, run.job_id)).fetchone()
    )
    if row is None:
        raise LeaseLostError
    return Thread(conversation_id, row[0])


def waiting_messages(session: Session, message: ProcessMessages, conversation_id: UUID) -> Sequence[Waiting]:
    """Put the contact's unprocessed messages into the conversation and return them in order of arrival."""
    parameters = (conversation_id, message.client_id, message.channel, message.address)
    rows = raw_connection(session).execute(_WAITING, parameters).fetchall()
    return sorted((Waiting(*row) for row in rows), key=lambda waiting: waiting.id)


def history(session: Session, conversation_id: UUID) -> Sequence[Turn]:
    """Return the last turns that were processed, oldest first."""
    rows = raw_connection(session).execute(_HISTORY, (conversation_id, HISTORY)).fetchall()
    return [Turn("contact" if author == "contact" else "us", body) for author, body in reversed(rows)]


def mark_processed(
    session: Session, messages: Sequence[Waiting], outcome: str, answered_by: UUID | None = None
) -> None:
    """Note what became of messages."""
    ids = [waiting.id for waiting in messages]
    raw_connection(session).execute(_PROCESSED, (outcome, answered_by, ids))
