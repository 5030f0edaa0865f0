"""Whether an error is of the database, which may take a message later, or of the message, which it never takes."""

from __future__ import annotations

from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

DATABASE_AWAY: Final = (OperationalError, InterfaceError, PoolTimeoutError, TimeoutError, OSError)
"""Errors by which SQLAlchemy says that the database does not answer."""
_AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, *DATABASE_AWAY)
_STATES_OF_THE_DATABASE: Final = frozenset(
    {
        *("08", "28", "3D", "3F"),  # how it is reached
        *("25", "42", "26", "0A"),  # read-only as a standby is, without a right or a table: it takes nobody's message
        *("40", "53", "55", "57", "58"),  # busy, full, shutting down
    }
)
"""Classes of https://www.postgresql.org/docs/current/errcodes-appendix.html whatever psycopg calls them."""


def is_refusal(error: BaseException) -> bool:
    """Return whether the database refuses this message for good, so that it must not hold up what comes after it.

    What the database says by its code counts more than the class of the error: an entry too long for an index is an
    OperationalError to psycopg, and a standby's refusal an InternalError.
    """
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    code = error.sqlstate if isinstance(error, psycopg.Error) else None
    if code is not None:
        return code[:2] not in _STATES_OF_THE_DATABASE
    return isinstance(error, Exception) and not isinstance(error, _AWAY)
