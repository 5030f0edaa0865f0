"""How pages write times, durations and figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dashboard import words
from api.dashboard.viewer import Viewer, drawn_for

NOW = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
VIENNA = Viewer(now=NOW, zone=ZoneInfo("Europe/Vienna"))
UNKNOWN = Viewer(now=NOW)


@pytest.mark.parametrize(
    ("viewer", "at", "text"),
    [
        (VIENNA, NOW, "00:30:00"),
        (VIENNA, NOW - timedelta(hours=1), "2 Mar, 23:30:00"),
        (VIENNA, NOW - timedelta(days=90), "3 Dec 2025, 00:30:00"),
        (UNKNOWN, NOW, "23:30:00 UTC"),
        (UNKNOWN, NOW - timedelta(days=1), "1 Mar, 23:30:00 UTC"),
    ],
)
def test_a_time_stands_in_the_readers_zone_with_its_day_unless_that_is_today(
    viewer: Viewer, at: datetime, text: str
) -> None:
    with drawn_for(viewer):
        assert words.time_text(at) == text


def test_a_time_says_what_it_is_in_utc_to_the_millisecond() -> None:
    at = datetime(2026, 3, 2, 9, 0, 1, 234567, tzinfo=ZoneInfo("Europe/Vienna"))
    with drawn_for(VIENNA):
        shown = words.time(at)
    assert 'title="2026-03-02 08:00:01.234 UTC"' in shown
    assert 'datetime="2026-03-02T08:00:01.234567+00:00"' in shown


def test_a_time_is_left_to_the_browser_only_when_nobody_knows_the_zone() -> None:
    with drawn_for(UNKNOWN):
        assert "data-zone" in words.time(NOW)
    with drawn_for(VIENNA):
        assert "data-zone" not in words.time(NOW)


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=4), "just now"),
        (timedelta(seconds=-4), "just now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=3, seconds=50), "3 min ago"),
        (timedelta(hours=-2), "in 2 h"),
        (timedelta(days=3, hours=5), "3 d ago"),
    ],
)
def test_a_distance_is_said_in_its_largest_unit(before: timedelta, text: str) -> None:
    with drawn_for(VIENNA):
        assert words.ago_text(NOW - before) == text


def test_the_time_behind_a_distance_can_be_reached_by_keyboard() -> None:
    with drawn_for(VIENNA):
        shown = words.ago(NOW - timedelta(hours=1))
    assert 'tabindex="0"' in shown
    assert 'data-exact="2026-03-02 22:30:00.000 UTC"' in shown


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0.2351, "235 ms"),
        (1.25, "1.2 s"),
        (59.4, "59 s"),
        (timedelta(minutes=4, seconds=5), "4 min 5 s"),
        (timedelta(hours=3), "3 h"),
        (timedelta(days=2, hours=4, minutes=9), "2 d 4 h"),
        (-5.0, "-5.0 s"),
    ],
)
def test_a_duration_is_said_to_two_units(length: timedelta | float, text: str) -> None:
    assert words.duration(length) == text


@given(st.floats(0, 10**9))
def test_every_duration_has_words(seconds: float) -> None:
    assert str(words.duration(seconds)).split()[-1] in {"ms", "s", "min", "h", "d"}


@pytest.mark.parametrize(("figure", "text"), [(0, "0"), (12345, "12,345"), (2.0, "2"), (1234.567, "1,234.57")])
def test_figures_have_their_thousands_apart(figure: float, text: str) -> None:
    assert words.number(figure) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (123_456_789, "123 MB"), (10**16, "10000.0 TB")]
)
def test_bytes_are_said_in_their_unit(count: int, text: str) -> None:
    assert words.size(count) == text


def test_what_is_not_there_is_a_dash() -> None:
    shown = {
        words.time(None),
        words.ago(None),
        words.day(None),
        words.duration(None),
        words.number(None),
        words.size(None),
    }
    assert shown == {words.NOTHING}
