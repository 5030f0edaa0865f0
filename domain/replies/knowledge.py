"""Services, hours and answered questions of a client: listed, added, changed, ordered, removed, each act on record.

Replies search the table itself, so the next one goes by what is committed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import func, select, text

from domain.audit.record import Act, Actor, record
from domain.clients.find import organization_of_client
from domain.kernel.ids import new_id
from domain.replies.entries import MOST_ENTRIES, EntryChange, NewEntry, changed, checked, title_key
from domain.replies.errors import EntryChangedError, EntryNotFoundError, InvalidEntryError
from domain.replies.models import KnowledgeEntry
from domain.replies.ports import EntryKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('replies.knowledge:' || :client_id, 0))")
_SHOWN = ("kind", "title", "body", "price", "keywords", "enabled")


def list_entries(session: Session, client_id: UUID, *, kind: EntryKind | None = None) -> Sequence[KnowledgeEntry]:
    """Return a client's entries in their order, by kind. Raises ClientNotFoundError."""
    organization_of_client(session, client_id)
    query = select(KnowledgeEntry).where(KnowledgeEntry.client_id == client_id)
    if kind is not None:
        query = query.where(KnowledgeEntry.kind == kind)
    return session.scalars(query.order_by(KnowledgeEntry.kind, KnowledgeEntry.position, KnowledgeEntry.id)).all()


def get_entry(session: Session, client_id: UUID, entry_id: UUID) -> KnowledgeEntry:
    """Return an entry of a client. Raises EntryNotFoundError."""
    entry = session.get(KnowledgeEntry, entry_id)
    if entry is None or entry.client_id != client_id:
        raise EntryNotFoundError
    return entry


def have_alone(session: Session, client_id: UUID) -> None:
    """Have a client's knowledge base to oneself until the transaction ends; replies go on reading it.

    Two entries of one title that are written at once would otherwise not see each other. It comes before any entry's
    own lock, so that nobody waits in a circle.
    """
    session.execute(_LOCK, {"client_id": str(client_id)})


def add_entry(session: Session, client_id: UUID, new: NewEntry, actor: Actor) -> KnowledgeEntry:
    """Add an entry after the others. Raises ClientNotFoundError, InvalidEntryError."""
    org_id = organization_of_client(session, client_id)
    entry = checked(new)
    have_alone(session, client_id)
    many, last = session.execute(
        select(func.count(), func.coalesce(func.max(KnowledgeEntry.position), -1)).where(
            KnowledgeEntry.client_id == client_id
        )
    ).one()
    if many >= MOST_ENTRIES:
        raise InvalidEntryError(f"A client may have {MOST_ENTRIES} entries; remove some first.")
    _check_title(session, client_id, entry)
    row = KnowledgeEntry(
        id=new_id(),
        org_id=org_id,
        client_id=client_id,
        kind=entry.kind,
        title=entry.title,
        body=entry.body,
        price=entry.price,
        keywords=entry.keywords,
        enabled=entry.enabled,
        position=last + 1,
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    _record(session, row, "added", actor, after=facts(row))
    return row


def change_entry(
    session: Session, client_id: UUID, entry_id: UUID, change: EntryChange, actor: Actor, *, version: int | None = None
) -> KnowledgeEntry:
    """Change an entry and return it. `version` is the one that the change was made for, None for whichever there is.

    Raises EntryNotFoundError, EntryChangedError, InvalidEntryError.
    """
    have_alone(session, client_id)
    row = _held(session, client_id, entry_id, version)
    before = facts(row)
    wanted = changed(as_new(row), change)
    if title_key(wanted.title) != title_key(row.title):
        _check_title(session, client_id, wanted)
    for name in ("title", "body", "price", "keywords", "enabled"):
        setattr(row, name, getattr(wanted, name))
    after = facts(row)
    if before != after:
        row.version += 1
        row.updated_at = func.now()
        session.flush()
        session.refresh(row)
        names = [name for name in _SHOWN if before[name] != after[name]]
        known = {"kind": row.kind, "title": before["title"]}
        was, now = ({name: side[name] for name in names} for side in (before, after))
        _record(session, row, "changed", actor, before=known | was, after=known | now)
    return row


def remove_entry(
    session: Session, client_id: UUID, entry_id: UUID, actor: Actor, *, version: int | None = None
) -> None:
    """Remove an entry. Raises EntryNotFoundError, EntryChangedError."""
    row = _held(session, client_id, entry_id, version)
    before = facts(row)
    session.delete(row)
    session.flush()
    _record(session, row, "removed", actor, before=before)


def order_entries(
    session: Session, client_id: UUID, kind: EntryKind, ids: Sequence[UUID], actor: Actor
) -> Sequence[KnowledgeEntry]:
    """Put a client's entries of a kind into an order and return them.

    Raises ClientNotFoundError; EntryChangedError when `ids` are not exactly the entries that there are.
    """
    have_alone(session, client_id)
    rows = {row.id: row for row in list_entries(session, client_id, kind=kind)}
    if len(ids) != len(rows) or set(ids) != set(rows):
        raise EntryChangedError(f"Name each of the client's {len(rows)} entries of this kind once; read them again.")
    before = [row.title for row in rows.values()]
    ordered = [rows[entry_id] for entry_id in ids]
    for position, row in enumerate(ordered):
        row.position = position
    session.flush()
    if ordered and [row.title for row in ordered] != before:
        act = Act(
            "knowledge.reordered",
            "client",
            str(client_id),
            before={"kind": kind, "titles": before},
            after={"kind": kind, "titles": [row.title for row in ordered]},
            org_id=ordered[0].org_id,
            client_id=client_id,
        )
        record(session, actor, act)
    return ordered


def as_new(row: KnowledgeEntry) -> NewEntry:
    """Return what an entry says, without where and when it is stored."""
    return NewEntry(row.kind, row.title, row.body, row.price, row.keywords, row.enabled)


def facts(row: KnowledgeEntry) -> dict[str, Any]:
    """Return what an entry says, by name. In the audit log a body is told by its length alone."""
    return {name: getattr(row, name) for name in _SHOWN}


def _check_title(session: Session, client_id: UUID, wanted: NewEntry) -> None:
    """Refuse a second entry of a kind and title: what a document says of it would be nobody's to decide."""
    titles = session.scalars(
        select(KnowledgeEntry.title).where(KnowledgeEntry.client_id == client_id, KnowledgeEntry.kind == wanted.kind)
    )
    if title_key(wanted.title) in map(title_key, titles):
        raise InvalidEntryError(f"There is another {wanted.kind} of this title; change that one.")


def _held(session: Session, client_id: UUID, entry_id: UUID, version: int | None) -> KnowledgeEntry:
    row = session.scalars(
        select(KnowledgeEntry)
        .where(KnowledgeEntry.id == entry_id, KnowledgeEntry.client_id == client_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise EntryNotFoundError
    if version is not None and row.version != version:
        raise EntryChangedError(
            f"The entry is at version {row.version}, not {version}; somebody changed it. Read it again."
        )
    return row


def _record(
    session: Session,
    row: KnowledgeEntry,
    verb: str,
    actor: Actor,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    act = Act(
        f"knowledge.{verb}",
        "knowledge",
        str(row.id),
        before=before,
        after=after,
        org_id=row.org_id,
        client_id=row.client_id,
    )
    record(session, actor, act)
