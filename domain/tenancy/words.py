"""Names and reasons as people write them."""

from __future__ import annotations

from typing import Final

from domain.tenancy.errors import ReasonMissingError, UnfitNameError

LONGEST_NAME: Final = 200
LONGEST_REASON: Final = 500


def fit_name(name: str) -> str:
    """Return a name without spaces around it. Raises UnfitNameError."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UnfitNameError
    return name


def fit_reason(reason: str) -> str:
    """Return a reason without spaces around it. Raises ReasonMissingError, also for one that says nothing."""
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON or not reason.replace("\n", " ").isprintable():
        raise ReasonMissingError
    return reason
