"""Tables as pages say them and as files take them away."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from api.dashboard.tables import (
    Cell,
    Column,
    Link,
    Sort,
    State,
    Table,
    csv_lines,
    sort_of,
)
from api.dashboard.viewer import Viewer, drawn_for
from api.pages import templates

Pages = Callable[[str | None], Table]
COLUMNS = (Column("name", "Name"), Column("at", "At", "time", sortable=True), Column("took", "Took", "duration"))
AT = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def asking(query: str) -> Request:
    return Request({"type": "http", "query_string": query.encode(), "headers": [], "app": FastAPI()})


def written(first: Table, tables: Pages | None = None, limit: int = 100) -> list[list[str]]:
    text = "".join(csv_lines(first, tables or (lambda _: first), limit))
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_file_has_times_in_utc_durations_in_seconds_and_words_of_links_and_states() -> None:
    columns = [Column("a", "A"), Column("b", "B", "time"), Column("c", "C", "duration"), Column("d", "D", "state")]
    row: list[Cell] = [Link("Harbor", "/x", "Springfield"), AT, timedelta(minutes=2), State("bad", "dead")]
    assert written(Table(columns, [row])) == [
        ["A", "B", "C", "D"],
        ["Harbor, Springfield", "2026-03-02T09:00:01+00:00", "120.0", "dead"],
    ]


@given(st.text())
def test_no_text_in_a_file_is_a_formula(text: str) -> None:
    (_, (cell,)) = written(Table([Column("a", "A")], [(text,)])) if text else (None, ("",))
    assert not cell.startswith(DANGEROUS)
    assert cell.removeprefix("'") == text or cell == text


def test_figures_stay_figures_in_a_file() -> None:
    assert written(Table([Column("a", "A", "number")], [(-5,), (1.5,), (True,), (None,)]))[1:] == [
        ["-5"],
        ["1.5"],
        ["yes"],
        [""],
    ]


def pages(*sizes: int) -> Pages:
    def page(after: str | None) -> Table:
        place = int(after or 0)
        rows = [(f"{place}.{number}",) for number in range(sizes[place])]
        return Table([Column("a", "A")], rows, next_page=str(place + 1) if place + 1 < len(sizes) else None)

    return page


def test_a_file_has_all_pages() -> None:
    table = pages(2, 2, 1)
    assert [row[0] for row in written(table(None), table)] == ["A", "0.0", "0.1", "1.0", "1.1", "2.0"]


def test_a_file_that_is_cut_says_so_and_one_that_just_fits_does_not() -> None:
    table = pages(2, 2, 1)
    for limit, rows in ((3, 3), (4, 4)):
        lines = [row[0] for row in written(table(None), table, limit)]
        assert len(lines) == 1 + rows + 1
        assert lines[-1].startswith(f"Cut after {limit} rows")
    assert [row[0] for row in written(table(None), table, 5)][-1] == "2.0"
    last = pages(2, 2)
    assert [row[0] for row in written(last(None), last, 3)][-2:] == [
        "1.0",
        "Cut after 3 rows: narrow the filters to get the others.",
    ]


def test_only_a_column_that_can_be_sorted_by_is() -> None:
    assert sort_of(asking("sort=-at"), COLUMNS, "at") == Sort("at", descending=True)
    assert sort_of(asking("sort=name"), COLUMNS, "-at") == Sort("at", descending=True)
    assert sort_of(asking(""), COLUMNS, "at") == Sort("at")
    assert str(Sort("at", descending=True)) == "-at"


def drawn(table: Table, query: tuple[tuple[str, str], ...] = (), *, exports: bool = True) -> str:
    with drawn_for(Viewer(query=query, now=AT, exports=exports)):
        return str(cast("Any", templates.get_template("table.html").module).table(table))


def test_a_sorted_column_says_so_and_its_link_turns_it_round() -> None:
    shown = drawn(Table(COLUMNS, [("a", AT, 1)], Sort("at")), (("q", "x"), ("after", "c"), ("sort", "at")))
    assert 'aria-sort="ascending"' in shown
    assert 'href="?q=x&amp;sort=-at"' in shown


def test_pages_are_links_that_keep_what_narrows_the_list() -> None:
    shown = drawn(Table(COLUMNS, [("a", AT, 1)], next_page="later"), (("q", "x"), ("after", "now")))
    assert 'href="?q=x&amp;after=later"' in shown
    assert 'href="?q=x"' in shown


def test_the_way_on_says_whether_newer_or_older_rows_come() -> None:
    def ways(*, oldest_first: bool) -> list[str]:
        table = Table(COLUMNS, [("a", AT, 1)], next_page="later", oldest_first=oldest_first)
        return re.findall("Newest|Oldest|Newer|Older", drawn(table, (("after", "now"),)))

    assert ways(oldest_first=False) == ["Newest", "Older"]
    assert ways(oldest_first=True) == ["Oldest", "Newer"]


def test_a_file_is_offered_only_to_who_may_have_it() -> None:
    table = Table(COLUMNS, [("a", AT, 1)], csv=True)
    assert "format=csv" in drawn(table)
    assert "format=csv" not in drawn(table, exports=False)


def test_an_empty_table_says_what_to_do() -> None:
    assert "Choose a longer time." in drawn(Table(COLUMNS, [], empty="Choose a longer time."))


def test_what_strangers_wrote_is_never_markup() -> None:
    row: list[Cell] = [Link("<b>", "/x?a=<i>", "<u>"), State("bad", "<s>"), "<script>"]
    shown = drawn(Table([Column(one, one) for one in "abc"], [row], caption="<em>"))
    for part in ("<b>", "<i>", "<u>", "<s>", "<script>", "<em>"):
        assert part not in shown


def test_a_state_has_words_and_a_mark() -> None:
    shown = drawn(Table([Column("a", "A", "state")], [(State("limited", "held back"),)]))
    assert "held back" in shown
    assert "#tabler-alert-triangle" in shown
