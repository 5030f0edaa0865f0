"""The table of leads."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, FetchedValue, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base


class Lead(Base):
    """Somebody who wants to be called back. `phone` is E.164; at least one of `phone` and `email` is set."""

    __tablename__ = "leads"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    bot_id: Mapped[UUID | None]
    conversation_id: Mapped[UUID | None]
    idempotency_key: Mapped[str] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    correlation_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
