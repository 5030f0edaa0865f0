"""Names as people write them."""

from __future__ import annotations

from typing import Final

from domain.tenancy.errors import UnfitNameError

LONGEST_NAME: Final = 200


def fit_name(name: str) -> str:
    """Return a name without spaces around it. Raises UnfitNameError."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UnfitNameError
    return name
