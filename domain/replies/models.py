"""The table of what a client wants its customers to be told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, FetchedValue, Integer, Text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base
from domain.replies.ports import EntryKind


class KnowledgeEntry(Base):
    """One service, set of opening hours or answered question.

    `price` is text, shown as it is. `keywords` are words that customers use and the text does not; they are searched,
    never shown. `position` orders entries that fit equally well.
    `search` is made by the database from title, keywords and body, in falling weight.
    """

    __tablename__ = "knowledge_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID]
    kind: Mapped[EntryKind] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    price: Mapped[str | None] = mapped_column(Text)
    keywords: Mapped[str] = mapped_column(Text, server_default=FetchedValue())
    position: Mapped[int] = mapped_column(server_default=FetchedValue())
    enabled: Mapped[bool] = mapped_column(server_default=FetchedValue())
    version: Mapped[int] = mapped_column(Integer, server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    search: Mapped[str] = mapped_column(
        TSVECTOR, server_default=FetchedValue(), server_onupdate=FetchedValue(), deferred=True
    )
