"""What can go wrong with a client."""

from __future__ import annotations

from domain.kernel.errors import ConflictError, InvalidInputError


class InvalidNumberError(InvalidInputError):
    """Not a phone number that can be called; write it with its country code, as in +1 555 010 9999."""


class OnboardingIncompleteError(ConflictError):
    """Something that a client needs before it goes live is missing."""
