"""The table of alerts to owners."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, FetchedValue, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base

_TIME = DateTime(timezone=True)


class OwnerAlert(Base):
    """One thing that an owner should know. `delivery_ids`: what told them; `reason`: why nothing did."""

    __tablename__ = "owner_alerts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text)
    conversation_id: Mapped[UUID | None]
    correlation_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(Text, server_default=FetchedValue())
    reason: Mapped[str | None] = mapped_column(Text)
    gathered: Mapped[bool] = mapped_column(server_default=FetchedValue())
    delivery_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=FetchedValue())
    settled_at: Mapped[datetime | None] = mapped_column(_TIME)
