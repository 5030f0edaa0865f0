"""What can go wrong with the audit log."""

from __future__ import annotations

from domain.kernel.errors import GatehouseError, InvalidInputError


class ChainBrokenError(GatehouseError):
    """A chain of the audit log is not whole: somebody changed, removed or moved entries past the application."""


class UnfitHeadsError(InvalidInputError):
    """The file does not hold heads as `gatehouse audit head --json` prints them."""
