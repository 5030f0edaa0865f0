"""Texts as people write them for a client."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from domain.clients.errors import UnfitClientError

LONGEST_TEXT: Final = 1_600
"""Characters of what may be texted: the provider takes no more (https://www.twilio.com/docs/api/errors/21617)."""


def fit_text(text: str | None, what: str, longest: int, *, lines: bool = False) -> str | None:
    """Return a text without spaces around it, None for an empty one; with `lines` it may have several.

    Raises UnfitClientError.
    """
    text = (text or "").strip()
    if lines:
        text = text.replace("\r\n", "\n")
    if len(text) > longest or not (text.replace("\n", " ") if lines else text).isprintable():
        raise UnfitClientError(f"Write the {what} in at most {longest} printable characters.")
    return text or None


def fit_timezone(name: str) -> str:
    """Return the name of a time zone that is known. Raises UnfitClientError."""
    if name not in _timezones():
        raise UnfitClientError("That is not a time zone that is known. Write it as in America/New_York.")
    return name


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())
