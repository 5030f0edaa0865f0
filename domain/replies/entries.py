"""What an entry of a knowledge base may be: pure checks, the same for the API, the command line and imports."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Final, get_args

from domain.replies.errors import InvalidEntryError
from domain.replies.ports import EntryKind

KINDS: Final[tuple[EntryKind, ...]] = get_args(EntryKind)
MOST_ENTRIES: Final = 500
"""Of a client: what a search looks through for every text."""
LONGEST_TITLE: Final = 200
LONGEST_BODY: Final = 1_500
"""A reply states an entry as it is, and fits one text."""
LONGEST_PRICE: Final = 300
LONGEST_KEYWORDS: Final = 500


@dataclass(frozen=True, slots=True)
class NewEntry:
    """One service, set of opening hours or answered question."""

    kind: EntryKind
    title: str
    body: str
    price: str | None = None
    keywords: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class EntryChange:
    """What shall be otherwise; what is None stays. An empty `price` takes it off."""

    title: str | None = None
    body: str | None = None
    price: str | None = None
    keywords: str | None = None
    enabled: bool | None = None


def title_key(title: str) -> str:
    """Return what is the same for titles that count as one: the case of letters and how accents are stored is not told.

    This is Unicode's caseless match (D145), of which the database's index on titles holds the part that ASCII has.
    """
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", title).casefold())


def checked(new: NewEntry) -> NewEntry:
    """Return an entry as it is stored. Raises InvalidEntryError, which names the field."""
    if new.kind not in KINDS:
        raise InvalidEntryError(f"There is no kind {new.kind!r}; there are: {', '.join(KINDS)}.")
    return replace(
        new,
        title=_text("title", new.title, LONGEST_TITLE),
        body=_text("body", new.body, LONGEST_BODY),
        price=_text("price", new.price or "", LONGEST_PRICE, empty=True) or None,
        keywords=_text("keywords", new.keywords, LONGEST_KEYWORDS, empty=True),
    )


def changed(entry: NewEntry, change: EntryChange) -> NewEntry:
    """Return an entry as a change leaves it. Raises InvalidEntryError."""
    return checked(
        replace(
            entry,
            title=entry.title if change.title is None else change.title,
            body=entry.body if change.body is None else change.body,
            price=entry.price if change.price is None else change.price,
            keywords=entry.keywords if change.keywords is None else change.keywords,
            enabled=entry.enabled if change.enabled is None else change.enabled,
        )
    )


def _text(name: str, text: str, longest: int, *, empty: bool = False) -> str:
    stripped = text.strip()
    if not stripped and not empty:
        raise InvalidEntryError(f"The {name} is empty.")
    if len(stripped) > longest:
        raise InvalidEntryError(f"The {name} has {len(stripped):,} characters; it may have {longest:,}.")
    try:
        if b"\x00" in stripped.encode():
            raise InvalidEntryError(f"The {name} contains a zero byte.")
    except UnicodeEncodeError:
        raise InvalidEntryError(f"The {name} contains half of a character.") from None
    return stripped
