"""Tables of the dashboard: what a page says of one, and `table.html` draws.

    {% from "table.html" import table, filters %}
    {{ filters(form) }}
    {{ table(jobs) }}

A list that is paged and exported is made by one function of the page, which takes the cursor: see `csv_response`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from starlette.responses import StreamingResponse

from api.dashboard.frame import may_export
from api.errors import ProblemError

if TYPE_CHECKING:
    from fastapi import Request

Tone = Literal["good", "plain", "waiting", "limited", "bad"]
"""As it should be; neither good nor bad; under way; another way taken; stopped or failed."""
Kind = Literal["text", "time", "ago", "duration", "number", "size", "state", "link", "code"]
CSV_ROWS: Final = 10_000
"""A file has so many rows at most, and says at its end when there are more."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet begins to calculate at (OWASP, CSV injection)."""


@dataclass(frozen=True, slots=True)
class Link:
    """A cell that leads somewhere; `href` is a path of ours. `detail` stands below, smaller."""

    text: str
    href: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """A cell with a mark, whose shape and colour say the tone, and words that say it as well."""

    tone: Tone
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A cell of plain words with smaller ones below."""

    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A cell with a button that posts a form to a path of ours, with `fields` and the token of the page.

    `about` tells it from the same button of the other rows, for who does not see the row: "Cancel" about "job 0193…".
    """

    label: str
    action: str
    fields: Mapping[str, str] = field(default_factory=dict)
    about: str = ""
    danger: bool = False


Cell = Link | State | Text | Button | str | int | float | bool | datetime | date | timedelta | UUID | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `kind` says how plain values in it are written. Durations are timedeltas or seconds."""

    id: str
    label: str
    kind: Kind = "text"
    sortable: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """By which column a list is in order."""

    column: str
    descending: bool = False

    def __str__(self) -> str:
        return f"-{self.column}" if self.descending else self.column


@dataclass(frozen=True, slots=True)
class Table:
    """A table. Each row has a cell for each column, in the columns' order.

    `next_page`: the cursor that the query parameter `after` takes for older rows, None on the last page. `empty` says
    what to do when there is no row. `caption` names it to who can't see the page. `csv`: whether it can be had as a
    file; its page then answers `?format=csv` by `csv_response`. `oldest_first`: the rows after these are newer.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    sort: Sort | None = None
    next_page: str | None = None
    empty: str = "There is nothing here yet."
    caption: str = ""
    csv: bool = False
    oldest_first: bool = False


def sort_of(request: Request, columns: Sequence[Column], default: str) -> Sort:
    """Return the order that `?sort=` asks for, "-created" being the other way round; else `default`."""
    asked = request.query_params.get("sort", "")
    wanted = asked if asked.removeprefix("-") in {one.id for one in columns if one.sortable} else default
    return Sort(wanted.removeprefix("-"), wanted.startswith("-"))


def wants_csv(request: Request) -> bool:
    """Whether the list is asked for as a file."""
    return request.query_params.get("format") == "csv"


def csv_response(
    request: Request, name: str, tables: Callable[[str | None], Table], *, limit: int = CSV_ROWS
) -> StreamingResponse:
    """Return a list as a file `name`.csv: from the first page on, page by page as it is read, `limit` rows at most.

    `tables` gives the page after a cursor, the first one for None, in a transaction of its own: a slow reader holds
    none open. Times are in UTC and durations in seconds. It begins with the mark that spreadsheets know UTF-8 by.

    Raises:
        ProblemError: 403 for somebody whose roles don't have the feature `export_csv`.

    """
    if not may_export(request):
        raise ProblemError(403, "Your role does not take lists away as files.", kind="permission")
    first = tables(None)
    return StreamingResponse(
        chain(["\ufeff"], csv_lines(first, tables, limit)),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}.csv"', "cache-control": "no-store"},
    )


def csv_lines(first: Table, tables: Callable[[str | None], Table], limit: int) -> Iterator[str]:
    """Return a file's text, a page at a time: `first`, and those that `tables` has after it."""
    yield _written([[one.label for one in first.columns]])
    table, left = first, limit
    while True:
        yield _written([[_plain(cell) for cell in row] for row in table.rows[:left]])
        cut = len(table.rows) > left
        left -= min(left, len(table.rows))
        if table.next_page is None and not cut:
            return
        if not left or cut:
            yield _written([[f"Cut after {limit:,} rows: narrow the filters to get the others."]])
            return
        table = tables(table.next_page)


def _written(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _plain(cell: Cell) -> str:
    """Return a cell as text that no spreadsheet takes for a formula."""
    match cell:
        case None | Button():
            text = ""
        case bool():
            text = "yes" if cell else "no"
        case int() | float():
            return str(cell)  # A negative figure is no formula.
        case timedelta():
            return str(cell.total_seconds())
        case datetime():
            text = cell.astimezone(UTC).isoformat()
        case Link() | State() | Text():
            text = f"{cell.text}, {cell.detail}" if cell.detail else cell.text
        case _:
            text = str(cell)
    return _harmless(text)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
