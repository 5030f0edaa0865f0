"""How the command fails: one line in words and a status for what can be expected, a redacted traceback for a bug."""

from __future__ import annotations

import sys
import traceback
from typing import Any, Final

import typer

FAILED: Final = 1
MISUSED: Final = 2
"""As for options that the command does not know."""
BUG: Final = 70
"""The status of an internal error (EX_SOFTWARE)."""


class FailureError(Exception):
    """Something that the user can put right; the message says how."""

    status = FAILED


class NotGivenError(FailureError):
    """An option was left out, and there is no terminal to ask for it."""

    status = MISUSED


class Command(typer.Typer):
    """The command line, which every error passes on its way out."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as Typer has it
        """Run the command; end the process with the status that an error deserves."""
        try:
            return super().__call__(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the last place that could say it in words
            words = _in_words(error)
            if words is None:
                trace = _safe("".join(traceback.format_exception(error)))
                typer.echo(f"Unexpected error, please report it.\n{trace}", err=True)
                sys.exit(BUG)
            typer.echo(words, err=True)
            sys.exit(error.status if isinstance(error, FailureError) else FAILED)


def _in_words(error: Exception) -> str | None:
    """Return what to tell of an error that can be expected, or None for a bug."""
    # Late, because only a failure pays for these.
    import httpx  # noqa: PLC0415
    import psycopg  # noqa: PLC0415
    import redis  # noqa: PLC0415
    import sqlalchemy.exc  # noqa: PLC0415

    from config.settings import SettingsError  # noqa: PLC0415
    from domain.kernel.errors import GatehouseError  # noqa: PLC0415

    if isinstance(error, sqlalchemy.exc.DBAPIError) and isinstance(error.orig, Exception):
        error = error.orig
    words: str | None = None
    match error:
        case SettingsError() | FailureError() | GatehouseError():
            words = str(error)
        case psycopg.errors.InsufficientPrivilege() | psycopg.errors.UndefinedTable():
            words = f"PostgreSQL: {_first_line(error)}. Is the schema current? Run: gatehouse migrate"
        case psycopg.OperationalError():
            words = f"PostgreSQL: {_first_line(error)}"
        case redis.RedisError():
            words = f"Redis: {_first_line(error)}"
        case httpx.TransportError():
            words = f"{error.request.url.host}:{error.request.url.port} does not answer: {_first_line(error)}"
        case OSError():
            words = str(error.strerror or error)
    return None if words is None else _safe(words)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _safe(text: str) -> str:
    from domain.kernel.redaction import redact_text  # noqa: PLC0415

    return redact_text(text)
