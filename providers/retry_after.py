"""How long an answer asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_RETRY_AFTER: Final = timedelta(days=1)
"""A provider that asks for more is taken at this: the job would wait for something that nobody remembers."""


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """Return the wait that a `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date); None if unreadable."""
    if header is None:
        return None
    value = header.strip()
    try:
        wait = timedelta(seconds=int(value)) if value.isascii() and value.isdigit() else _until(value, now)
    except (ValueError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), LONGEST_RETRY_AFTER)


def _until(date: str, now: datetime) -> timedelta:
    at = parsedate_to_datetime(date)
    return at.replace(tzinfo=at.tzinfo or UTC) - now
