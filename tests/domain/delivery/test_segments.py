"""Encodings and segments, against a count of our own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery.segments import Segments, segments_of

# GSM 03.38, section 6.2.1 and its extension table, written down independently of the library.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = "\f^{}\\[~]|€"


def counted(text: str) -> Segments:
    """Count by packing what can't be split, one after the other."""
    if all(character in BASIC + EXTENDED for character in text):
        return Segments("gsm7", packed([2 if character in EXTENDED else 1 for character in text], 160, 153))
    return Segments("ucs2", packed([len(character.encode("utf-16-be")) // 2 for character in text], 70, 67))


def packed(sizes: list[int], alone: int, each: int) -> int:
    if sum(sizes) <= alone:
        return 1
    count, room = 1, each
    for size in sizes:
        if size > room:
            count, room = count + 1, each
        room -= size
    return count


def test_the_alphabet_has_all_its_characters() -> None:
    assert (len(set(BASIC)), len(set(EXTENDED))) == (127, 10)


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("a" * 160, "gsm7", 1),
        ("a" * 161, "gsm7", 2),
        ("a" * 306, "gsm7", 2),
        ("a" * 307, "gsm7", 3),
        ("€" * 80, "gsm7", 1),
        ("€" * 81, "gsm7", 2),
        ("a" * 152 + "€" + "a" * 10, "gsm7", 2),
        ("a" * 152 + "€" + "a" * 152, "gsm7", 3),  # the pair goes to the second segment as a whole
        ("ç" * 70, "ucs2", 1),
        ("ç" * 71, "ucs2", 2),
        ("ç" * 134, "ucs2", 2),
        ("ç" * 135, "ucs2", 3),
        ("😀" * 35, "ucs2", 1),
        ("😀" * 36, "ucs2", 2),
        ("ç" * 66 + "😀" + "ç" * 66, "ucs2", 3),  # so does this one
        ("We\u2019re open", "ucs2", 1),
        ("\x1b", "ucs2", 1),
        ("a" * 1600, "gsm7", 11),
        ("ç" * 1600, "ucs2", 24),
    ],
)
def test_encoding_and_segments(text: str, encoding: str, count: int) -> None:
    found = segments_of(text)
    assert (found.encoding, found.count) == (encoding, count)
    assert found == counted(text)


@given(st.text(st.sampled_from(BASIC + EXTENDED), min_size=1, max_size=700))
def test_segments_of_the_gsm_alphabet(text: str) -> None:
    assert segments_of(text) == counted(text)


@given(st.text(st.sampled_from("ab€[ç😀𝄞\x1b \u2019"), min_size=1, max_size=400))
def test_segments_of_any_text(text: str) -> None:
    assert segments_of(text) == counted(text)
