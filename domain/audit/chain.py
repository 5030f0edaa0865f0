"""Whether a chain is whole: the decision, without a database.

Every entry holds the hash of what it says together with the hash of the entry before, so a change shows at the entry
itself or, when it was hashed anew, at the one after. The head remembers the last one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

MOST: Final = 100
"""Findings that are told one by one; of more there is only the number."""


class FindingKind(StrEnum):
    """What was done to a chain."""

    CHANGED = "changed"
    """An entry does not say any more what it said when it was written."""
    REMOVED = "removed"
    """Entries are missing before others."""
    REORDERED = "reordered"
    """An entry says what it said, but stands in another place."""
    CUT_OFF = "cut_off"
    """Entries are missing at the end."""
    UNCHAINED = "unchained"
    """Entries were put in past the chain."""
    HEAD = "head"
    """The head does not agree with the last entry."""
    NOTED = "noted"
    """An entry is not the one that was noted elsewhere: the chain was written anew."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, with the numbers of the entries that it is about, both included."""

    kind: FindingKind
    words: str
    first: int | None = None
    last: int | None = None
    entry_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One entry as the walk sees it. `sound`: its hash is that of what it says."""

    sequence: int
    id: UUID
    previous_hash: bytes | None
    hash: bytes | None
    sound: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of an organization's chain: its number and its hash."""

    org_id: UUID
    sequence: int
    hash: bytes | None


PlaceOf = Callable[[Link], int | None]
"""Finds where an entry that is not sound belongs; None when it was changed."""


@dataclass(slots=True)
class Walk:
    """Goes along a chain from the entry `expected` on, which may be in its middle, and gathers what is wrong."""

    place_of: PlaceOf
    expected: int = 1
    findings: list[Finding] = field(default_factory=list)
    found: int = 0
    entries: int = 0
    _last: Link | None = None
    _last_is_wrong: bool = False

    def feed(self, link: Link) -> None:
        """Go on to the next entry that is there."""
        gap = link.sequence > self.expected
        if gap:
            self.add(_removed(self.expected, link.sequence - 1))
        wrong = not link.sound
        if wrong:
            self.add(self._unsound(link))
        elif not gap and not self._last_is_wrong:
            wrong = self._check_link(link)
        self._last, self._last_is_wrong = link, wrong
        self.expected = link.sequence + 1
        self.entries += 1

    def finish(self, head: Head | None) -> None:
        """Compare the end with the head."""
        last = self.expected - 1
        if head is None:
            if last:
                self.add(Finding(FindingKind.HEAD, "The head of the chain is missing.", last, last))
        elif head.sequence > last:
            words = f"{_entries(last + 1, head.sequence)} cut off at the end."
            self.add(Finding(FindingKind.CUT_OFF, words, last + 1, head.sequence))
        elif head.sequence < last or (not self._last_is_wrong and self._last and self._last.hash != head.hash):
            words = f"Entry {last} and the head of the chain, which names {head.sequence}, do not agree."
            self.add(Finding(FindingKind.HEAD, words, last, last, self._last.id if self._last else None))

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it while there are not too many."""
        self.found += 1
        if len(self.findings) < MOST:
            self.findings.append(finding)

    def _unsound(self, link: Link) -> Finding:
        # To look for its place costs, which a chain that is wrong from end to end need not be worth.
        place = self.place_of(link) if len(self.findings) < MOST else None
        if place is None:
            words = f"Entry {link.sequence} was changed."
            return Finding(FindingKind.CHANGED, words, link.sequence, link.sequence, link.id)
        words = f"Entry {place} was moved: it stands as {link.sequence}."
        return Finding(FindingKind.REORDERED, words, link.sequence, link.sequence, link.id)

    def _check_link(self, link: Link) -> bool:
        """Find an entry that was changed and hashed anew; return whether it is this one."""
        if link.sequence == 1 and link.previous_hash is not None:
            self.add(Finding(FindingKind.CHANGED, "Entry 1 was changed and hashed anew.", 1, 1, link.id))
            return True
        last = self._last
        if last is not None and link.previous_hash != last.hash:
            words = f"Entry {last.sequence} was changed and hashed anew."
            self.add(Finding(FindingKind.CHANGED, words, last.sequence, last.sequence, last.id))
        return False


def _removed(first: int, last: int) -> Finding:
    return Finding(FindingKind.REMOVED, f"{_entries(first, last)} removed.", first, last)


def _entries(first: int, last: int) -> str:
    return f"Entry {first} was" if first == last else f"Entries {first} to {last} were"
