"""The tables of endpoints, of events, and of what became of telling them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, FetchedValue, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base

_TIME = DateTime(timezone=True)

SendState = Literal["pending", "delivered", "failed", "cancelled"]


class Endpoint(Base):
    """Where a tenant wants to be told, and of what.

    With a client it is told of that client alone. `failing_since` and `failures` count from the last success;
    `held_until` is when one call may find out whether it answers again.
    """

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default=FetchedValue())
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sealed_secret: Mapped[str] = mapped_column(Text)
    sealed_previous_secret: Mapped[str | None] = mapped_column(Text)
    previous_until: Mapped[datetime | None] = mapped_column(_TIME)
    enabled: Mapped[bool] = mapped_column(server_default=FetchedValue())
    failing_since: Mapped[datetime | None] = mapped_column(_TIME)
    failures: Mapped[int] = mapped_column(server_default=FetchedValue())
    held_until: Mapped[datetime | None] = mapped_column(_TIME)
    disabled_at: Mapped[datetime | None] = mapped_column(_TIME)
    disabled_because: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())


class Event(Base):
    """Something that happened. Its id is the `webhook-id` of every call that tells of it."""

    __tablename__ = "webhook_events"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    type: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    correlation_id: Mapped[UUID | None]
    occurred_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())


class Send(Base):
    """One event for one endpoint; `replay` is 0 for the first time it was meant to be told."""

    __tablename__ = "webhook_sends"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    event_id: Mapped[UUID]
    endpoint_id: Mapped[UUID]
    replay: Mapped[int] = mapped_column(server_default=FetchedValue())
    state: Mapped[SendState] = mapped_column(Text, server_default=FetchedValue())
    attempts: Mapped[int] = mapped_column(server_default=FetchedValue())
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())
    settled_at: Mapped[datetime | None] = mapped_column(_TIME)


class SendAttempt(Base):
    """One call. Without `milliseconds` it is under way, or its worker died; without `status` no answer came."""

    __tablename__ = "webhook_attempts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    send_id: Mapped[UUID]
    attempt: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(_TIME)
    milliseconds: Mapped[int | None]
