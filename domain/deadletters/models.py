"""The table of operations on many dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import DateTime, FetchedValue, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base

Action = Literal["requeue", "discard"]
OperationState = Literal["running", "finished", "cancelled"]
_TIME = DateTime(timezone=True)


class DeadOperation(Base):
    """One requeue or discard of all letters of a filter, and how far it has come.

    `position`: the id of the letter looked at last. `skipped`: letters that stay dead, because a live job or a newer
    letter has their unique key, or because somebody else was faster. `per_minute`: letters that may run a minute at
    most, from `next_at` on.
    """

    __tablename__ = "dead_operations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[Action] = mapped_column(Text)
    filter: Mapped[dict[str, Any]] = mapped_column(JSONB)
    per_minute: Mapped[int | None]
    actor: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[OperationState] = mapped_column(Text)
    total: Mapped[int]
    done: Mapped[int]
    skipped: Mapped[int]
    position: Mapped[UUID | None]
    next_at: Mapped[datetime | None] = mapped_column(_TIME)
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())
    finished_at: Mapped[datetime | None] = mapped_column(_TIME)
