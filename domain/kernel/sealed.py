"""Secrets at rest, sealed with a key of the settings: which key each was sealed with, and sealing them anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

from psycopg.sql import SQL, Composed, Identifier

from domain.kernel.database import raw_connection
from domain.kernel.errors import GatehouseError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

BATCH: Final = 200
_FIRST: Final = UUID(int=0)
_READ: Final = SQL("SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL AND id > %s ORDER BY id LIMIT %s")
_HELD: Final = SQL(" FOR NO KEY UPDATE")
_WRITE: Final = SQL("UPDATE {table} SET {column} = %s WHERE id = %s")

Scope = Callable[[], "AbstractContextManager[Session]"]
"""Opens a platform scope."""


class Resealer(Protocol):
    """Knows the present key, and perhaps one before it."""

    def renewed(self, sealed: str) -> str | None:
        """Return a secret sealed with the present key, None when it is so already. Raises GatehouseError: by no key."""
        ...


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column that holds secrets, of a table with ids. `one` and `many`: what they are called."""

    table: str
    column: str
    one: str
    many: str

    def counted(self, count: int) -> str:
        """Return how many there are, in words."""
        return f"{count:,} {self.one if count == 1 else self.many}"


@dataclass(frozen=True, slots=True)
class Sealed:
    """How the secrets of a column stand: sealed with the present key, with the previous one, or with none of them.

    After `reseal` the previous ones are those that it sealed anew.
    """

    column: SealedColumn
    present: int
    previous: int
    unreadable: Sequence[UUID]


def look(scope: Scope, columns: Iterable[SealedColumn], resealer: Resealer) -> Sequence[Sealed]:
    """Return how the secrets of columns stand."""
    return [_walk(scope, column, resealer, write=False) for column in columns]


def reseal(scope: Scope, columns: Iterable[SealedColumn], resealer: Resealer) -> Sequence[Sealed]:
    """Seal with the present key what the previous one sealed.

    A batch of rows is a transaction, and what is sealed with the present key is left alone: whoever was cut off goes on
    where that was, and several may be at it at once.
    """
    return [_walk(scope, column, resealer, write=True) for column in columns]


def _walk(scope: Scope, column: SealedColumn, resealer: Resealer, *, write: bool) -> Sealed:
    present = previous = 0
    unreadable: list[UUID] = []
    after: UUID | None = _FIRST
    while after is not None:
        with scope() as session:
            rows = _rows(session, column, after, held=write)
            renewed: list[tuple[str, UUID]] = []
            for row_id, sealed in rows:
                try:
                    anew = resealer.renewed(sealed)
                except GatehouseError:
                    unreadable.append(row_id)
                    continue
                if anew is None:
                    present += 1
                else:
                    renewed.append((anew, row_id))
            if write and renewed:
                raw_connection(session).cursor().executemany(_of(column, _WRITE), renewed)
        previous += len(renewed)
        after = rows[-1][0] if len(rows) == BATCH else None
    return Sealed(column, present, previous, unreadable)


def _rows(session: Session, column: SealedColumn, after: UUID, *, held: bool) -> list[Any]:
    query = _of(column, _READ + _HELD if held else _READ)
    return raw_connection(session).execute(query, (after, BATCH)).fetchall()


def _of(column: SealedColumn, statement: SQL | Composed) -> Composed:
    names = {"table": Identifier(column.table), "column": Identifier(column.column)}
    if isinstance(statement, SQL):
        return statement.format(**names)
    return Composed([part.format(**names) if isinstance(part, SQL) else part for part in statement])
