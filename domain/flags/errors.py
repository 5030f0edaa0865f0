"""What can be wrong with a change of a flag."""

from __future__ import annotations

from domain.kernel.errors import ConflictError, InvalidInputError, NotFoundError


class FlagNotFoundError(NotFoundError):
    """There is no such flag."""


class RevisionNotFoundError(NotFoundError):
    """The flag never had such a version."""


class FlagExistsError(ConflictError):
    """There is a flag of this name already."""


class FlagChangedError(ConflictError):
    """Somebody changed the flag meanwhile; the message says what and who."""


class InCodeError(ConflictError):
    """The code of this release reads the flag, so it can't be archived."""


class InvalidFlagError(InvalidInputError):
    """A flag's name, type, value or target is not acceptable; the message says which and why."""
