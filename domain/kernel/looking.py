"""Lists of a long history, newest first, that never read more than a stretch of it for one page.

What an index finds is `indexed`. What none does is `narrowing`, and is looked for among the next rows of that index
alone, at most `STRETCH` of them: a page may then be short while there is more, and says how far it looked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, cast, func, select, true
from sqlalchemy.orm import aliased

from domain.kernel.ids import first_id_at, moment_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

STRETCH: Final = 5_000
"""Rows that one page looks through at most."""
Row = TypeVar("Row")
Conditions = Callable[[Any], Sequence["ColumnElement[bool]"]]
"""Conditions on a table, or on an alias of it."""


@dataclass(frozen=True, slots=True)
class Found(Generic[Row]):
    """One page. `next_id`: go on with what is older than this; None when nothing is.

    `looked_until`: how far back was looked, when the stretch ended before the page was full.
    """

    rows: Sequence[Row]
    next_id: UUID | None = None
    looked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """From when (included) until when (not included); None leaves an end open."""

    since: datetime | None = None
    until: datetime | None = None

    def conditions(self, table: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401 - a mapped class with a UUIDv7 id
        """Return the span as conditions on ids, which hold the time of their making."""
        ends = []
        if self.since is not None:
            ends.append(table.id >= first_id_at(self.since))
        if self.until is not None:
            ends.append(table.id < first_id_at(self.until))
        return ends


def clients_in_scope(session: Session, client_id: UUID | None = None) -> Collection[UUID] | None:
    """Return the clients whose rows a list is of: the one asked for, or those that the scope is narrowed to.

    None for all of the organization's, or everybody's. The policy that narrows a scope serves no index, so a list of
    few clients' rows has to name them.
    """
    narrowed: frozenset[UUID] | None = session.info.get("client_ids")
    if client_id is not None:
        return [client_id] if narrowed is None or client_id in narrowed else []
    return narrowed


def look(
    session: Session,
    table: type[Row],
    *,
    indexed: Conditions,
    narrowing: Conditions = lambda _: (),
    of: Collection[UUID] | None = None,
    by: str = "client_id",
    limit: int,
    before_id: UUID | None = None,
    stretch: int = STRETCH,
) -> Found[Row]:
    """Return a page of `table` (a mapped class with ids that grow with time).

    With `of`, rows of these clients alone (or of what else the column `by` names), found by an index that begins with
    that column: at most a stretch of each.
    """
    looked = _stretch(table, indexed, None if of is None else _Whose(by, of), before_id)
    if not narrowing(table):
        rows = session.scalars(_ordered(table, looked(limit + 1), limit + 1)).all()
        return Found(rows[:limit], _id(rows[limit - 1]) if len(rows) > limit else None)
    rows = session.scalars(_ordered(table, looked(stretch), limit + 1, narrowing)).all()
    if len(rows) > limit:
        return Found(rows[:limit], _id(rows[limit - 1]))
    ids = looked(stretch).subquery()
    last: UUID | None = session.scalar(select(ids.c.id).order_by(ids.c.id.desc()).offset(stretch - 1).limit(1))
    return Found(rows, last, None if last is None else moment_of(last))


@dataclass(frozen=True, slots=True)
class _Whose:
    column: str
    ids: Collection[UUID]


def _stretch(
    table: Any,  # noqa: ANN401 - as above
    indexed: Conditions,
    only: _Whose | None,
    before_id: UUID | None,
) -> Callable[[int], Select[Any]]:
    """Return what gives the newest rows of an index, so many at most."""

    def newest(length: int) -> Select[Any]:
        one = aliased(table)
        older = [] if before_id is None else [one.id < before_id]
        query = select(one).where(*indexed(one), *older).order_by(one.id.desc()).limit(length)
        if only is None:
            return query
        # A probe for each, because several values of an index's first column have no common order.
        whose = select(func.unnest(cast(list(only.ids), ARRAY(Uuid))).label("id")).subquery()
        each = query.where(getattr(one, only.column) == whose.c.id).lateral()
        theirs = aliased(table, each)
        return select(theirs).select_from(whose).join(each, true()).order_by(theirs.id.desc()).limit(length)

    return newest


def _ordered(
    table: Any,  # noqa: ANN401 - as above
    looked: Select[Any],
    limit: int,
    narrowing: Conditions = lambda _: (),
) -> Select[Any]:
    one = aliased(table, looked.subquery())
    return select(one).where(*narrowing(one)).order_by(one.id.desc()).limit(limit)


def _id(row: Any) -> UUID:  # noqa: ANN401 - as above
    found: UUID = row.id
    return found
