"""The table of what administrators did."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, FetchedValue, Text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base


class AuditLog(Base):
    """One act of one actor. An act on the platform itself carries the platform's organization.

    The database numbers and chains the entries of an organization as their transactions commit: `sequence`,
    `previous_hash` and `hash` are its own, and None until then. So is `created_at`, the time when it was written.
    """

    __tablename__ = "admin_audit_logs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    actor: Mapped[str] = mapped_column(Text)
    actor_user_id: Mapped[UUID | None]
    role: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    target_type: Mapped[str] = mapped_column(Text)
    target_id: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[str | None] = mapped_column(Text)
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    sequence: Mapped[int | None] = mapped_column(BigInteger, server_default=FetchedValue())
    previous_hash: Mapped[bytes | None] = mapped_column(server_default=FetchedValue())
    hash: Mapped[bytes | None] = mapped_column(server_default=FetchedValue())
