"""Reasons, as people write them: one rule wherever one is asked for."""

from __future__ import annotations

from typing import Final

from domain.kernel.errors import InvalidInputError

LONGEST_REASON: Final = 500
"""Characters."""


class ReasonMissingError(InvalidInputError):
    """Say why, in at most 500 printable characters: whoever is affected will ask."""


def fit_reason(reason: str) -> str:
    """Return a reason without spaces around it. Raises ReasonMissingError, also for one that says nothing."""
    reason = reason.replace("\r\n", "\n").strip()  # Browsers end lines so.
    if not reason or len(reason) > LONGEST_REASON or not reason.replace("\n", " ").isprintable():
        raise ReasonMissingError
    return reason


def fit_reason_given(reason: str | None) -> str | None:
    """Return a reason that may be left out. Raises ReasonMissingError for one that is given and says nothing."""
    return None if reason is None else fit_reason(reason)
