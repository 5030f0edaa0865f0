"""The tables of flags, their targets, and every version that one ever had.

Constraints and defaults are the database's; the migrations hold them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import REAL, DateTime, FetchedValue, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.flags.ports import Kind, ValueType
from domain.kernel.database import Base


class Flag(Base):
    """A flag, kill switch or setting; `default_value` is in force where no target fits. Archived ones count as none."""

    __tablename__ = "flags"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[Kind] = mapped_column(Text)
    value_type: Mapped[ValueType] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)
    default_value: Mapped[Any] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(Integer, server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class FlagTarget(Base):
    """Who gets another value than the default; asked in the order of `position`."""

    __tablename__ = "flag_targets"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    tenant_id: Mapped[UUID | None]
    client_id: Mapped[UUID | None]
    percentage: Mapped[float | None] = mapped_column(REAL)
    value: Mapped[Any] = mapped_column(JSONB)


class FlagRevision(Base):
    """A flag as it was at one of its versions, and who made it so."""

    __tablename__ = "flag_revisions"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
