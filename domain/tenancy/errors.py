"""What can go wrong with an organization."""

from __future__ import annotations

from domain.kernel.errors import ConflictError, InvalidInputError


class SlugTakenError(ConflictError):
    """Another organization has this slug."""


class UnfitNameError(InvalidInputError):
    """Write the name in 1 to 200 printable characters."""


class StandingError(ConflictError):
    """The organization stands that way already."""
