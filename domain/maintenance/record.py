"""Keep what runs of maintenance came to that are no jobs: those from the command line, and the scheduler's own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.kernel.redaction import redact_text

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.orm import Session

Outcome = Literal["done", "failed"]
Scope = Callable[[], "AbstractContextManager[Session]"]
"""Opens a platform scope."""

KEPT: Final = 50
"""Runs of one piece of work that are kept."""
_WORDS: Final = 1_000
_BEGIN: Final = "INSERT INTO maintenance_runs (id, name, started_by) VALUES (%s, %s, %s)"
_END: Final = """
    UPDATE maintenance_runs SET finished_at = clock_timestamp(), outcome = %s, words = %s WHERE id = %s
"""
_WHOLE: Final = """
    INSERT INTO maintenance_runs (id, name, started_by, started_at, finished_at, outcome, words)
    VALUES (%s, %s, %s, clock_timestamp() - make_interval(secs => %s), clock_timestamp(), 'done', %s)
"""
_FORGET: Final = """
    DELETE FROM maintenance_runs WHERE name = %(name)s AND id < (
        SELECT id FROM maintenance_runs WHERE name = %(name)s ORDER BY id DESC OFFSET %(kept)s - 1 LIMIT 1)
"""
_log = structlog.get_logger(__name__)


def recorded(scope: Scope, name: str, by: str, run: Callable[[], str]) -> str:
    """Run maintenance on record and return its words. Raises what it raised.

    `by`: who asked for it. A run that is killed stays without an outcome.
    """
    run_id = new_id()
    with scope() as session:
        raw_connection(session).execute(_BEGIN, (run_id, name, by))
        _forget(raw_connection(session), name)
    try:
        words = run()
    except BaseException as error:
        try:
            _end(scope, run_id, "failed", f"{type(error).__name__}: {error}")
        except DBAPIError as lost:
            _log.warning("maintenance_end_unrecorded", name=name, error=type(lost).__name__)
        raise
    _end(scope, run_id, "done", words)
    return words


def note_run(connection: psycopg.Connection[Any], name: str, by: str, words: str, seconds: float) -> None:
    """Keep a run that has just succeeded, and how long it took."""
    connection.execute(_WHOLE, (new_id(), name, by, seconds, _storable(words)))
    _forget(connection, name)


def _end(scope: Scope, run_id: UUID, outcome: Outcome, words: str) -> None:
    with scope() as session:
        raw_connection(session).execute(_END, (outcome, _storable(words), run_id))


def _forget(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(_FORGET, {"name": name, "kept": KEPT})


def _storable(words: str) -> str:
    # PostgreSQL stores neither NUL nor half of a surrogate pair; what an error quotes may hold both.
    return redact_text(words.replace("\x00", "").encode("utf-8", "replace").decode())[:_WORDS]
