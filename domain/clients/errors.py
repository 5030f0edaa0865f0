"""What can go wrong with a client."""

from __future__ import annotations

from domain.kernel.errors import ConflictError, InvalidInputError


class InvalidNumberError(InvalidInputError):
    """Not a phone number that can be called; write it with its country code, as in +1 555 010 9999."""


class UnfitClientError(InvalidInputError):
    """Something about a client can't be as it was given; the message says what would fit."""


class OnboardingIncompleteError(ConflictError):
    """Something that a client needs before it goes live is missing."""


class ChangedMeanwhileError(ConflictError):
    """Somebody changed it since it was read. Read it again, and change what it is now."""


class TakenError(ConflictError):
    """Another client has this already."""


class StillNeededError(ConflictError):
    """A live client can't do without this."""


class ArchivedError(ConflictError):
    """The client is archived: what is on record stays as it is."""


class NotPossibleError(ConflictError):
    """Not a step that can follow on where the client's billing stands; the message says which can."""
