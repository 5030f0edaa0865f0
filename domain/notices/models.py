"""The table of notices."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, FetchedValue, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base

_TIME = DateTime(timezone=True)


class Notice(Base):
    """Something that waits for a person. `count`: how often it happened since it is open."""

    __tablename__ = "operator_notices"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    count: Mapped[int] = mapped_column(server_default=FetchedValue())
    first_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())
    last_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())
    resolved_at: Mapped[datetime | None] = mapped_column(_TIME)
    resolved_by: Mapped[str | None] = mapped_column(Text)
