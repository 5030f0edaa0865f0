"""The span of time that somebody chose for a list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from api.dashboard.filters import Field, Filters, TimeRange, time_range


def chosen(timezone: str | None = None, **query: str) -> TimeRange:
    request = Request({"type": "http", "query_string": urlencode(query).encode(), "headers": [], "app": FastAPI()})
    request.state.browser = SimpleNamespace(session=SimpleNamespace(timezone=timezone))
    return time_range(request)


@pytest.mark.parametrize(("time", "hours"), [("1h", 1), ("24h", 24), ("7d", 168), ("nonsense", 24)])
def test_a_preset_counts_back_from_now(time: str, hours: int) -> None:
    found = chosen(time=time)
    assert found.since is not None
    assert abs(datetime.now(UTC) - found.since - timedelta(hours=hours)) < timedelta(minutes=1)
    assert found.until is None


def test_any_time_has_no_end_and_no_beginning() -> None:
    found = chosen(time="all")
    assert (found.since, found.until) == (None, None)


def test_two_times_are_in_the_readers_zone() -> None:
    found = chosen("Europe/Vienna", time="between", begins="2026-07-01T12:00", ends="2026-07-02T12:00")
    assert found.since == datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
    assert found.until == datetime(2026, 7, 2, 10, 0, tzinfo=UTC)
    assert chosen(time="between", begins="2026-07-01T12:00").since == datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def test_times_that_are_none_or_run_backwards_are_said_to_be_wrong_and_stay_as_they_were_written() -> None:
    wrong = chosen(time="between", begins="tomorrow")
    assert wrong.problem
    assert wrong.begins == "tomorrow"
    assert chosen(time="between", begins="2026-07-02T00:00", ends="2026-07-01T00:00").problem


@given(st.text(max_size=50), st.text(max_size=50))
def test_whatever_is_written_is_answered(begins: str, ends: str) -> None:
    found = chosen("Europe/Vienna", time="between", begins=begins, ends=ends)
    assert found.choice == "between"


@given(st.datetimes())
def test_every_time_that_there_is_can_be_asked_for(at: datetime) -> None:
    assert chosen("Pacific/Kiritimati", time="between", begins=at.isoformat(timespec="minutes")).choice == "between"


def test_a_form_knows_whether_it_narrows_anything() -> None:
    assert not Filters((Field("q", "Text"),), chosen()).narrowed
    assert Filters((Field("q", "Text", "x"),)).narrowed
    assert Filters((), chosen(time="7d")).narrowed
