"""What replies are grounded in, as documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.replies.entries import (
    LONGEST_BODY,
    LONGEST_KEYWORDS,
    LONGEST_PRICE,
    LONGEST_TITLE,
    MOST_ENTRIES,
    EntryChange,
    NewEntry,
)
from domain.replies.models import KnowledgeEntry
from domain.replies.ports import EntryKind
from domain.replies.transfer import Difference

_STRICT = ConfigDict(extra="forbid")
_NO_ZERO = r"^[^\x00]*$"
Title = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TITLE, pattern=_NO_ZERO)]
Body = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_BODY, pattern=_NO_ZERO)]
Price = Annotated[str, StringConstraints(max_length=LONGEST_PRICE, pattern=_NO_ZERO)]
Keywords = Annotated[str, StringConstraints(max_length=LONGEST_KEYWORDS, pattern=_NO_ZERO)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="The version that is meant; 409 when it is another.")]


class NewEntryDocument(BaseModel):
    """A service, opening hours or an answered question. `keywords`: words that customers use and the text does not."""

    model_config = _STRICT

    kind: EntryKind
    title: Title
    body: Body
    price: Price | None = None
    keywords: Keywords = ""
    enabled: bool = True

    def new(self) -> NewEntry:
        """Return the entry."""
        return NewEntry(self.kind, self.title, self.body, self.price, self.keywords, self.enabled)


class EntryChangeDocument(BaseModel):
    """What is to be otherwise; what is left out stays. An empty `price` takes it off."""

    model_config = _STRICT

    version: Version
    title: Title | None = None
    body: Body | None = None
    price: Price | None = None
    keywords: Keywords | None = None
    enabled: bool | None = None

    def change(self) -> EntryChange:
        """Return the change."""
        return EntryChange(self.title, self.body, self.price, self.keywords, self.enabled)


class OrderDocument(BaseModel):
    """The ids of all entries of a kind, in the order that they shall have."""

    model_config = _STRICT

    kind: EntryKind
    ids: Annotated[list[UUID], Field(max_length=MOST_ENTRIES)]


class EntryDocument(BaseModel):
    """An entry as it is stored. One that is not enabled is in no reply."""

    id: UUID
    client_id: UUID
    kind: EntryKind
    title: str
    body: str
    price: str | None
    keywords: str
    enabled: bool
    position: int
    version: int
    created_at: datetime
    updated_at: datetime


class KnowledgeList(BaseModel):
    """A client's entries, by kind and position."""

    items: list[EntryDocument]


class ExportedEntry(BaseModel):
    """An entry as it stands, also one that is longer than a new one may be."""

    kind: EntryKind
    title: str
    body: str
    price: str | None = None
    keywords: str = ""
    enabled: bool = True


class KnowledgeDocument(BaseModel):
    """A knowledge base as it is exported; it can be edited and imported."""

    entries: list[ExportedEntry]


class ImportDocument(BaseModel):
    """A knowledge base to bring in. `dry_run`: only tell what would change."""

    model_config = _STRICT

    entries: Annotated[list[NewEntryDocument], Field(max_length=MOST_ENTRIES)]
    dry_run: bool = False


class DifferenceDocument(BaseModel):
    """What bringing a document in changed, or would; each a kind and a title."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    unchanged: int
    dry_run: bool


def entry_document(entry: KnowledgeEntry) -> EntryDocument:
    """Return an entry as a document."""
    return EntryDocument(**{name: getattr(entry, name) for name in EntryDocument.model_fields})


def difference_document(found: Difference, *, dry_run: bool) -> DifferenceDocument:
    """Return a difference as a document."""
    return DifferenceDocument(
        added=[f"{one.kind}: {one.title}" for one in found.added],
        changed=[f"{kind}: {title} ({', '.join(fields)})" for _, kind, title, fields in found.changed],
        removed=[f"{kind}: {title}" for _, kind, title in found.removed],
        unchanged=found.unchanged,
        dry_run=dry_run,
    )
