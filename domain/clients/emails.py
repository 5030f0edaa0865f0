"""E-mail addresses as this project keeps them: what a form may hold, not all that RFC 5322 allows."""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 254
"""Characters: RFC 5321, section 4.5.3.1.3, without the angle brackets."""
_LOCAL: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(rf"(?=.{{1,64}}@){_LOCAL}@(?:{_LABEL}\.)+{_LABEL}")


def is_email(text: str) -> bool:
    """Tell whether `text` looks like the address of a mailbox: ASCII, unquoted, at a domain with a dot in it."""
    return len(text) <= _LONGEST and _EMAIL.fullmatch(text) is not None
