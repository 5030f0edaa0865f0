"""What a crash tears off the end of a file never takes along what was whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.spool.frames import HEAD, LONGEST, frame, payloads

ENTRIES = st.lists(st.binary(min_size=1, max_size=200), max_size=12)


@given(ENTRIES)
def test_what_is_written_is_read(entries: list[bytes]) -> None:
    assert list(payloads(b"".join(map(frame, entries)))) == entries


@given(ENTRIES, st.data())
def test_any_truncation_leaves_the_entries_before_it(entries: list[bytes], data: st.DataObject) -> None:
    written = b"".join(map(frame, entries))
    cut = data.draw(st.integers(0, len(written)))
    read = list(payloads(written[:cut]))
    whole = [sum(len(frame(entry)) for entry in entries[: n + 1]) <= cut for n in range(len(entries))]
    assert read == entries[: sum(whole)]


@given(ENTRIES.filter(any), st.data())
def test_a_damaged_byte_yields_a_prefix_and_nothing_made_up(entries: list[bytes], data: st.DataObject) -> None:
    written = bytearray(b"".join(map(frame, entries)))
    written[data.draw(st.integers(0, len(written) - 1))] ^= data.draw(st.integers(1, 255))
    read = list(payloads(bytes(written)))
    assert read == entries[: len(read)]
    assert len(read) < len(entries)


def test_zeros_that_a_crash_left_are_no_entries() -> None:
    """A file system may lengthen a file before it writes what belongs there."""
    assert list(payloads(frame(b"whole") + bytes(64))) == [b"whole"]


def test_a_length_that_cannot_be_is_not_read() -> None:
    assert list(payloads(HEAD.pack(LONGEST + 1, 0) + bytes(100))) == []
