"""Whatever is done to one part of a chain, the walk says what and where, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.audit.chain import MOST, FindingKind, Head, Link, Walk

ORG = UUID(int=7)


@dataclass(frozen=True)
class Entry:
    """An entry of a made-up log: its number, what it says, and its hashes."""

    sequence: int
    says: str
    previous_hash: bytes | None
    hash: bytes


def hashed(sequence: int, says: str, previous: bytes | None) -> Entry:
    text = f"{sequence} {says}".encode()
    return Entry(sequence, says, previous, hashlib.sha256((previous or b"") + text).digest())


def chain_of(size: int) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(1, size + 1):
        entries.append(hashed(number, f"act {number}", entries[-1].hash if entries else None))
    return entries


def is_sound(entry: Entry) -> bool:
    return hashed(entry.sequence, entry.says, entry.previous_hash).hash == entry.hash


def walked(entries: Sequence[Entry], head: Entry | None) -> list[tuple[str, int | None, int | None]]:
    by_id = {UUID(int=place + 1): entry for place, entry in enumerate(entries)}

    def place_of(link: Link) -> int | None:
        entry = by_id[link.id]
        places = (place for place in range(1, 60) if is_sound(replace(entry, sequence=place)))
        return next(places, None)

    walk = Walk(place_of)
    for id_, entry in sorted(by_id.items(), key=lambda item: item[1].sequence):
        walk.feed(Link(entry.sequence, id_, entry.previous_hash, entry.hash, is_sound(entry)))
    walk.finish(None if head is None else Head(ORG, head.sequence, head.hash))
    return [(finding.kind.value, finding.first, finding.last) for finding in walk.findings]


sizes = st.integers(min_value=3, max_value=40)


@given(sizes)
def test_a_chain_that_nobody_touched_is_whole(size: int) -> None:
    entries = chain_of(size)
    assert walked(entries, entries[-1]) == []


@given(sizes, st.data())
def test_a_changed_entry_is_found(size: int, data: st.DataObject) -> None:
    entries = chain_of(size)
    place = data.draw(st.integers(0, size - 1))
    entries[place] = replace(entries[place], says="something else")
    assert walked(entries, chain_of(size)[-1]) == [("changed", place + 1, place + 1)]


@given(sizes, st.data())
def test_an_entry_that_was_hashed_anew_is_found_by_the_next_one(size: int, data: st.DataObject) -> None:
    entries = chain_of(size)
    place = data.draw(st.integers(0, size - 2))
    entries[place] = hashed(place + 1, "something else", entries[place].previous_hash)
    assert walked(entries, entries[-1]) == [("changed", place + 1, place + 1)]


@given(sizes, st.data())
def test_removed_entries_are_found(size: int, data: st.DataObject) -> None:
    entries = chain_of(size)
    first = data.draw(st.integers(1, size - 1))
    last = data.draw(st.integers(first, size - 1))
    left = [entry for entry in entries if not first <= entry.sequence <= last]
    assert walked(left, entries[-1]) == [("removed", first, last)]


@given(sizes, st.data())
def test_entries_cut_off_at_the_end_are_found(size: int, data: st.DataObject) -> None:
    entries = chain_of(size)
    left = data.draw(st.integers(0, size - 1))
    assert walked(entries[:left], entries[-1]) == [("cut_off", left + 1, size)]


@given(sizes, st.data())
def test_entries_that_changed_places_are_found(size: int, data: st.DataObject) -> None:
    entries = chain_of(size)
    one, other = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=2, max_size=2)))
    entries[one] = replace(entries[one], sequence=other + 1)
    entries[other] = replace(entries[other], sequence=one + 1)
    found = walked(entries, chain_of(size)[-1])
    assert found == [("reordered", one + 1, one + 1), ("reordered", other + 1, other + 1)]


@given(sizes)
def test_a_head_that_is_missing_or_of_another_entry_is_found(size: int) -> None:
    entries = chain_of(size)
    expected = [("head", size, size)]
    assert walked(entries, None) == expected
    assert walked(entries, entries[-2]) == expected
    assert walked(entries, replace(entries[-1], hash=b"another")) == expected


@given(sizes)
def test_a_last_entry_that_was_hashed_anew_does_not_agree_with_the_head(size: int) -> None:
    entries = chain_of(size)
    changed = hashed(size, "something else", entries[-2].hash)
    assert walked([*entries[:-1], changed], entries[-1]) == [("head", size, size)]


def test_a_chain_that_is_wrong_throughout_is_counted_and_not_listed() -> None:
    entries = [replace(entry, says="something else") for entry in chain_of(MOST + 30)]
    walk = Walk(lambda _: None)
    for entry in entries:
        walk.feed(Link(entry.sequence, UUID(int=entry.sequence), entry.previous_hash, entry.hash, is_sound(entry)))
    walk.finish(Head(ORG, entries[-1].sequence, entries[-1].hash))
    assert (walk.found, len(walk.findings)) == (MOST + 30, MOST)
    assert {finding.kind for finding in walk.findings} == {FindingKind.CHANGED}
