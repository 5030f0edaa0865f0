"""Which passwords are taken: length counts, and that it is not among the first that anybody would guess.

After NIST SP 800-63B-4, section 3.1.1.2, and OWASP's Authentication Cheat Sheet: no rules on kinds of characters, no
expiry, and what is common, repeated, in a row on the keyboard or the account's own is refused.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

from domain.kernel.errors import InvalidInputError

SHORTEST: Final = 12
LONGEST: Final = 256
_LIST: Final = Path(__file__).parent / "common_passwords.txt"
_FEW: Final = 4
"""So few different characters are no password, however many times they stand there."""
_ALONG: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "1234567890",
    "0123456789",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
)
_ROWS: Final = tuple(row[::way] * 2 for row in _ALONG for way in (1, -1))
_NOT_LETTERS: Final = re.compile(r"[\W\d_]+")
_AT_ENDS: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_SPELLED: Final = str.maketrans("@4301!5$7", "aaeoiisst")


class UnfitPasswordError(InvalidInputError):
    """The password is not taken; the message says why."""


def check_password(password: str, *, email: str = "", name: str = "") -> None:
    """Raise UnfitPasswordError for a password that is not taken for the account of this address and name."""
    plain = unicodedata.normalize("NFKC", password)
    if len(plain) < SHORTEST:
        raise UnfitPasswordError(f"A password has at least {SHORTEST} characters. Several words make a good one.")
    if len(plain) > LONGEST:
        raise UnfitPasswordError(f"A password has at most {LONGEST} characters.")
    folded = plain.casefold()
    if len(set(folded)) <= _FEW:
        raise UnfitPasswordError("These are the same few characters again and again. Choose another password.")
    core = _core(folded)
    if core in _own(email.casefold(), name.casefold()) or folded == email.casefold():
        raise UnfitPasswordError("This is your own name or address. Choose a password that says nothing of you.")
    if _is_common(folded, core):
        raise UnfitPasswordError("This is one of the passwords that are guessed first. Choose another.")


def _core(text: str) -> str:
    """Return the letters alone: what figures and marks are added to a word makes it no harder to guess."""
    return _NOT_LETTERS.sub("", text)


def _own(email: str, name: str) -> set[str]:
    local, _, domain = email.partition("@")
    parts = {email, local, domain, domain.partition(".")[0], name, *name.split(), *re.split(r"[^\w]|_", local)}
    cores = {_core(part) for part in parts} - {""}
    return cores | {one + other for one in cores for other in cores}


def _is_common(folded: str, core: str) -> bool:
    known = _known()
    spelled = _core(_AT_ENDS.sub("", folded).translate(_SPELLED))
    if {folded, core, spelled} & known:
        return True
    return any(_repeats(text, known) or _in_a_row(text) for text in {folded, core, spelled} if text)


def _repeats(text: str, known: frozenset[str]) -> bool:
    """Return whether a text is one short or well-known piece, twice or more."""
    for length in range(1, len(text) // 2 + 1):
        piece = text[:length]
        if text == (piece * (len(text) // length + 1))[: len(text)] and (length <= _FEW or _core(piece) in known):
            return True
    return False


def _in_a_row(text: str) -> bool:
    """Return whether a text is made of rows of the keyboard or the alphabet, in either direction."""
    rest = text
    while len(rest) >= _FEW:
        taken = max(_common_length(rest, row) for row in _ROWS)
        if taken < _FEW:
            return False
        rest = rest[taken:]
    return len(text) >= _FEW


def _common_length(text: str, row: str) -> int:
    """Return how many characters of the beginning of a text stand in a row."""
    length = 0
    while length < len(text) and text[: length + 1] in row:
        length += 1
    return length


@cache
def _known() -> frozenset[str]:
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
