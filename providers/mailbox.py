"""How the sender of an e-mail is written."""

from __future__ import annotations

import re
from email.utils import formataddr
from typing import Final

_THROUGH: Final = "via Gatehouse"
_LONGEST_NAME: Final = 60
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\s]+")


def sender(address: str, name: str | None) -> str:
    """Return the value of a From header: `"A business via Gatehouse" <address>`, or the address alone.

    The name is quoted or encoded (RFC 2047) as it needs to be; line breaks in it become spaces, so that it can't begin
    another header.
    """
    shown = _UNPRINTABLE.sub(" ", name or "").strip()[:_LONGEST_NAME].strip()
    return formataddr((f"{shown} {_THROUGH}", address)) if shown else address
