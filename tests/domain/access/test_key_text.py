"""How an API key is written, and what is kept of it."""

from __future__ import annotations

import hashlib
import math

from hypothesis import given
from hypothesis import strategies as st

from domain.access.key_text import digest, new_key, prefix_of
from domain.kernel.redaction import redact, redact_text


def test_a_key_names_its_prefix_and_holds_256_bits_that_it_does_not_tell() -> None:
    prefix, key = new_key()
    assert prefix_of(key) == prefix
    secret = key.removeprefix(f"{prefix}_")[:-6]
    assert len(secret) * math.log2(62) >= 256
    assert len({new_key()[1] for _ in range(50)}) == 50


def test_only_a_hash_of_the_whole_key_is_kept() -> None:
    _, key = new_key()
    assert digest(key) == hashlib.sha256(key.encode()).digest()


@given(st.integers(min_value=0, max_value=60), st.characters())
def test_a_key_with_another_letter_is_none(place: int, letter: str) -> None:
    _, key = new_key()
    changed = key[:place] + letter + key[place + 1 :]
    assert prefix_of(changed) is None or changed == key


@given(st.text())
def test_no_other_text_is_a_key(text: str) -> None:
    assert prefix_of(text) is None
    assert prefix_of("gh_abcdefgh_" + text) is None


def test_keys_are_hidden_wherever_they_are_logged_and_prefixes_are_not() -> None:
    prefix, key = new_key()
    for text in (key, f"called with {key}, twice", f"https://x.example/?k={key}"):
        assert key[len(prefix) + 1 :][:9] not in redact_text(text)
        assert key[len(prefix) + 1 :][:9] not in str(redact({"note": [text]}))
    assert redact_text(f"key {prefix} was revoked") == f"key {prefix} was revoked"
