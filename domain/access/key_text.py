"""How an API key is written: `gh_<8 letters and digits>_<43 that are secret><6 of a checksum>`.

The part up to the second underscore is the prefix: it is shown, and finds the key's row. The secret part has 256 bits.
The checksum tells a key from any other text without a question to the database, and lets scanners of source code be
sure.
No character but letters, digits and underscores, so that a double click selects all of it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from typing import Final

_LETTERS: Final = string.digits + string.ascii_letters
_PREFIX_LETTERS: Final = string.digits + string.ascii_lowercase
_PREFIX_LENGTH: Final = 8
_SECRET_LENGTH: Final = 43
"""62 to the power of 43 is just over 2 to the power of 256."""
_CHECKSUM_LENGTH: Final = 6
_FORM: Final = re.compile(rf"(gh_[0-9a-z]{{{_PREFIX_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}")


def new_key() -> tuple[str, str]:
    """Return the prefix of a new key and the key itself."""
    prefix = "gh_" + "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(_PREFIX_LENGTH))
    body = f"{prefix}_" + "".join(secrets.choice(_LETTERS) for _ in range(_SECRET_LENGTH))
    return prefix, body + _checksum(body)


def prefix_of(text: str) -> str | None:
    """Return the prefix of a key, or None for a text that is none."""
    match = _FORM.fullmatch(text)
    if match is None or _checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        return None
    return match.group(1)


def digest(text: str) -> bytes:
    """Return what is kept of a key: SHA-256 of all of it. So long a random text needs no slow hash."""
    return hashlib.sha256(text.encode()).digest()


def _checksum(text: str) -> str:
    left, written = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        left, place = divmod(left, len(_LETTERS))
        written = _LETTERS[place] + written
    return written
