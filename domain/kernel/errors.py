"""The root of every error that this project raises on purpose."""

from __future__ import annotations


class GatehouseError(Exception):
    """Something that a caller can name and handle.

    The class docstring's first line is the message when none is given, so that an error always says what went wrong.
    """

    def __str__(self) -> str:
        """Return the message, or the first line of the class docstring."""
        return super().__str__() or (type(self).__doc__ or type(self).__name__).strip().splitlines()[0]


class NotFoundError(GatehouseError):
    """Nothing with this id exists in this scope."""


class ConflictError(GatehouseError):
    """The change does not fit what is stored now; read it again and retry."""


class InvalidInputError(GatehouseError):
    """The input is not acceptable as it is."""


class BusyError(GatehouseError):
    """Too much of this is under way. Try again in a moment."""
