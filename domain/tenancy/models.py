"""The table of tenants."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import DateTime, FetchedValue, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base

OrganizationStatus = Literal["active", "suspended"]


class Organization(Base):
    """A tenant. A suspended one keeps its data and what arrives, but is let in nowhere, and nothing is sent for it."""

    __tablename__ = "organizations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[OrganizationStatus] = mapped_column(Text, server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=FetchedValue(), onupdate=func.now()
    )
    suspended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    suspended_reason: Mapped[str | None] = mapped_column(Text)
