"""The tables of conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, FetchedValue, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base

_TIME = DateTime(timezone=True)


class Contact(Base):
    """A customer of a client on one channel. `address`: an E.164 number (sms) or the visitor's id (web)."""

    __tablename__ = "contacts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())


class Conversation(Base):
    """The thread with a contact. A job that processes it holds `processing_job_id` until `processing_until`.

    Until `taken_over_until` the person `taken_over_by` answers, and nothing else does.
    """

    __tablename__ = "conversations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    contact_id: Mapped[UUID]
    bot_id: Mapped[UUID | None]
    channel: Mapped[str] = mapped_column(Text)
    processing_job_id: Mapped[UUID | None]
    processing_until: Mapped[datetime | None] = mapped_column(_TIME)
    taken_over_until: Mapped[datetime | None] = mapped_column(_TIME)
    taken_over_by: Mapped[str | None] = mapped_column(Text)
    last_message_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())


class ThreadMessage(Base):
    """One text in or out. `answered_by`: the message that answered it; `sources`: the knowledge it is grounded in."""

    __tablename__ = "messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    conversation_id: Mapped[UUID | None]
    direction: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    media: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=FetchedValue())
    external_id: Mapped[str | None] = mapped_column(Text)
    consent: Mapped[str | None] = mapped_column(Text)
    came_by: Mapped[str] = mapped_column(Text, server_default=FetchedValue())
    correlation_id: Mapped[UUID]
    sources: Mapped[list[str]] = mapped_column(JSONB, server_default=FetchedValue())
    confidence: Mapped[float | None]
    received_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())
    processed_at: Mapped[datetime | None] = mapped_column(_TIME)
    outcome: Mapped[str | None] = mapped_column(Text)
    answered_by: Mapped[UUID | None]
