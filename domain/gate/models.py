"""The record of every decision."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, FetchedValue, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base


class GuardLog(Base):
    """One decision: what was asked about (`subject`), by which guard it was decided, on which inputs, and why."""

    __tablename__ = "guard_logs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    correlation_id: Mapped[UUID | None]
    subject: Mapped[str] = mapped_column(Text)
    guard: Mapped[str] = mapped_column(Text)
    allowed: Mapped[bool]
    block: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=FetchedValue())
    rule_version: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
