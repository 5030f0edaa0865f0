"""What can be wrong with a change of what replies are grounded in."""

from __future__ import annotations

from domain.kernel.errors import ConflictError, InvalidInputError, NotFoundError


class EntryNotFoundError(NotFoundError):
    """There is no such entry in this client's knowledge base."""


class EntryChangedError(ConflictError):
    """Somebody changed the entry meanwhile; read it again."""


class InvalidEntryError(InvalidInputError):
    """An entry is not acceptable; the message says what and why."""
