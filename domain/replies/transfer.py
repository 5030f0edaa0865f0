"""A whole knowledge base as a document: written out, and brought in after showing what that would change.

An entry of a document is the client's entry of the same kind and title, whatever the case of its letters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

import yaml

from domain.replies.entries import MOST_ENTRIES, EntryChange, NewEntry, checked, title_key
from domain.replies.errors import InvalidEntryError
from domain.replies.knowledge import add_entry, as_new, change_entry, have_alone, list_entries, remove_entry

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.audit.record import Actor
    from domain.replies.models import KnowledgeEntry
    from domain.replies.ports import EntryKind

LONGEST_DOCUMENT: Final = 2_000_000
_FIELDS: Final = {"kind", "title", "body", "price", "keywords", "enabled"}


@dataclass(frozen=True, slots=True)
class Difference:
    """What bringing a document in would do. `changed`: the entry's id, kind, title and the fields that differ."""

    added: Sequence[NewEntry]
    changed: Sequence[tuple[UUID, EntryKind, str, Sequence[str]]]
    removed: Sequence[tuple[UUID, EntryKind, str]]
    unchanged: int

    def lines(self) -> list[str]:
        """Return it for a person, a line an entry."""
        return [
            *(f"+ {one.kind}: {one.title}" for one in self.added),
            *(f"~ {kind}: {title} ({', '.join(fields)})" for _, kind, title, fields in self.changed),
            *(f"- {kind}: {title}" for _, kind, title in self.removed),
        ]


def document_of(entries: Sequence[KnowledgeEntry]) -> dict[str, Any]:
    """Return entries as a document; what has its usual value is left out."""
    usual = {"price": None, "keywords": "", "enabled": True}
    kept = [asdict(as_new(entry)) for entry in entries]
    return {"entries": [{k: v for k, v in one.items() if k not in usual or v != usual[k]} for one in kept]}


def write_yaml(document: Mapping[str, Any]) -> str:
    """Return a document as YAML that people edit."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=100)


def read_document(text: str) -> list[NewEntry]:
    """Return the entries of a document in YAML or JSON. Raises InvalidEntryError, which names the first wrong one."""
    if len(text) > LONGEST_DOCUMENT:
        raise InvalidEntryError(f"The document may have {LONGEST_DOCUMENT:,} characters.")
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidEntryError(f"It is neither YAML nor JSON: {_where(error)}") from None
    found = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise InvalidEntryError('The document has to hold "entries", a list.')
    return checked_entries([_entry(number, one) for number, one in enumerate(found, 1)])


def checked_entries(entries: Sequence[NewEntry]) -> list[NewEntry]:
    """Return entries as they are stored. Raises InvalidEntryError: one is wrong, comes twice, or there are too many."""
    if len(entries) > MOST_ENTRIES:
        raise InvalidEntryError(f"A client may have {MOST_ENTRIES} entries; these are {len(entries)}.")
    kept: dict[tuple[str, str], NewEntry] = {}
    for number, one in enumerate(entries, 1):
        try:
            entry = checked(one)
        except InvalidEntryError as error:
            raise InvalidEntryError(f"Entry {number}: {error}") from None
        if kept.setdefault(_key(entry), entry) is not entry:
            raise InvalidEntryError(f"Entry {number}: there is another {entry.kind} of this title.")
    return list(kept.values())


def compare(existing: Sequence[KnowledgeEntry], wanted: Sequence[NewEntry], *, replace: bool) -> Difference:
    """Return what would change; with `replace`, what `wanted` lacks is removed."""
    by_key: dict[tuple[str, str], KnowledgeEntry] = {}
    for row in existing:
        by_key.setdefault(_key(as_new(row)), row)
    changed, unchanged, added = [], 0, []
    for entry in wanted:
        if _key(entry) not in by_key:
            added.append(entry)
            continue
        row = by_key[_key(entry)]
        fields = [name for name in sorted(_FIELDS - {"kind"}) if getattr(entry, name) != getattr(row, name)]
        if fields:
            changed.append((row.id, row.kind, row.title, fields))
        else:
            unchanged += 1
    keys = {_key(entry) for entry in wanted}
    kept = {row.id for key, row in by_key.items() if key in keys}
    removed = [(row.id, row.kind, row.title) for row in existing if replace and row.id not in kept]
    return Difference(added, changed, removed, unchanged)


def bring_in(
    session: Session, client_id: UUID, wanted: Sequence[NewEntry], actor: Actor, *, replace: bool, dry_run: bool
) -> Difference:
    """Bring checked entries into a client's knowledge base, or only tell what that would change.

    All or nothing. Raises ClientNotFoundError, InvalidEntryError.
    """
    if not dry_run:
        have_alone(session, client_id)
    existing = list_entries(session, client_id)
    found = compare(existing, wanted, replace=replace)
    if dry_run:
        return found
    by_key = {_key(entry): entry for entry in wanted}
    for entry_id, _, _ in found.removed:
        remove_entry(session, client_id, entry_id, actor)
    for entry_id, kind, title, _ in found.changed:
        entry = by_key[kind, title_key(title)]
        change = EntryChange(entry.title, entry.body, entry.price or "", entry.keywords, entry.enabled)
        change_entry(session, client_id, entry_id, change, actor)
    for entry in found.added:
        add_entry(session, client_id, entry, actor)
    return found


def _key(entry: NewEntry) -> tuple[str, str]:
    return entry.kind, title_key(entry.title)


def _entry(number: int, found: object) -> NewEntry:
    if not isinstance(found, dict):
        raise InvalidEntryError(f"Entry {number} has to be an object.")
    unknown = sorted(str(name) for name in set(found) - _FIELDS)
    if unknown:
        raise InvalidEntryError(f"Entry {number}: there is no field {', '.join(unknown)}.")
    texts = {name: found.get(name) for name in ("kind", "title", "body")}
    optional = {name: found.get(name) for name in ("price", "keywords")}
    wrong = [name for name, value in texts.items() if not isinstance(value, str)]
    wrong += [name for name, value in optional.items() if value is not None and not isinstance(value, str)]
    if wrong:
        raise InvalidEntryError(f"Entry {number}: {', '.join(wrong)} has to be a text.")
    enabled = found.get("enabled", True)
    if not isinstance(enabled, bool):
        raise InvalidEntryError(f"Entry {number}: enabled has to be true or false.")
    price, keywords = optional["price"], optional["keywords"]
    kind, title, body = (str(value) for value in texts.values())
    return NewEntry(cast("EntryKind", kind), title, body, price, keywords or "", enabled)


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}." if mark is not None else "it can't be read."
