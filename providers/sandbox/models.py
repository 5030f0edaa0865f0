"""The tables of what the sandbox "sent"."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base


class SandboxMessage(Base):
    """A text that would have been sent. One an attempt: the sandbox, like the real thing, is asked once."""

    __tablename__ = "sandbox_messages"

    attempt_id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    provider_id: Mapped[str] = mapped_column(Text)
    to_address: Mapped[str] = mapped_column(Text)
    from_address: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))


class SandboxMail(Base):
    """An e-mail that would have been sent, once an attempt. `headers` are those added to it, by name.

    `client_id` is None for the platform's own letters.
    """

    __tablename__ = "sandbox_emails"

    attempt_id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    provider_id: Mapped[str] = mapped_column(Text)
    to_address: Mapped[str] = mapped_column(Text)
    from_address: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    html_body: Mapped[str | None] = mapped_column(Text)
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
