"""Quiet hours, by hand on the days that are hard and against PostgreSQL's own knowledge of clocks on any."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.gate.quiet_hours import is_quiet, next_allowed
from tests.support.databases import Databases

NEW_YORK = ZoneInfo("America/New_York")
at = partial(datetime, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "window", "allowed_at"),
    [
        # An ordinary night in winter: 21:00 to 08:00 is 02:00 to 13:00 UTC.
        (at(2026, 1, 15, 1, 59, 59), ("21:00", "08:00"), None),
        (at(2026, 1, 15, 2, 0), ("21:00", "08:00"), at(2026, 1, 15, 13, 0)),
        (at(2026, 1, 15, 5, 0), ("21:00", "08:00"), at(2026, 1, 15, 13, 0)),
        (at(2026, 1, 15, 12, 59, 59, 999_999), ("21:00", "08:00"), at(2026, 1, 15, 13, 0)),
        (at(2026, 1, 15, 13, 0), ("21:00", "08:00"), None),
        # Within one day, up to midnight, from midnight, all but a second, and none at all.
        (at(2026, 1, 15, 18, 0), ("12:00", "14:00"), at(2026, 1, 15, 19, 0)),
        (at(2026, 1, 15, 4, 59), ("22:00", "00:00"), at(2026, 1, 15, 5, 0)),
        (at(2026, 1, 15, 5, 0), ("00:00", "06:00"), at(2026, 1, 15, 11, 0)),
        (at(2026, 1, 15, 5, 1), ("00:00:01", "00:00"), at(2026, 1, 16, 5, 0)),
        (at(2026, 1, 15, 5, 0), ("21:00", "21:00"), None),
        # 8 March 2026: 02:00 becomes 03:00 at 07:00 UTC. The night is an hour shorter.
        (at(2026, 3, 8, 3, 0), ("21:00", "08:00"), at(2026, 3, 8, 12, 0)),
        # An end within the hour that is skipped is reached when the clocks jump.
        (at(2026, 3, 8, 6, 0), ("22:00", "02:30"), at(2026, 3, 8, 7, 0)),
        # A start within it begins when they jump.
        (at(2026, 3, 8, 6, 59, 59), ("02:30", "04:00"), None),
        (at(2026, 3, 8, 7, 0), ("02:30", "04:00"), at(2026, 3, 8, 8, 0)),
        # A window that lies within it altogether does not happen.
        (at(2026, 3, 8, 7, 0), ("02:10", "02:50"), None),
        # 1 November 2026: 02:00 becomes 01:00 at 06:00 UTC. The night is an hour longer.
        (at(2026, 11, 1, 2, 0), ("21:00", "08:00"), at(2026, 11, 1, 13, 0)),
        # An end within the hour that is repeated is reached twice.
        (at(2026, 11, 1, 5, 10), ("22:00", "01:30"), at(2026, 11, 1, 5, 30)),
        (at(2026, 11, 1, 5, 45), ("22:00", "01:30"), None),
        (at(2026, 11, 1, 6, 10), ("22:00", "01:30"), at(2026, 11, 1, 6, 30)),
        # A start within it: the clock goes back to before the start, and the window begins again.
        (at(2026, 11, 1, 5, 45), ("01:30", "06:00"), at(2026, 11, 1, 6, 0)),
        (at(2026, 11, 1, 6, 30), ("01:30", "06:00"), at(2026, 11, 1, 11, 0)),
    ],
)
def test_quiet_hours_in_new_york(now: datetime, window: tuple[str, str], allowed_at: datetime | None) -> None:
    hours = (time.fromisoformat(window[0]), time.fromisoformat(window[1]))
    assert is_quiet(now, hours, NEW_YORK) is (allowed_at is not None)
    assert next_allowed(now, hours, NEW_YORK) == (allowed_at or now)


def test_the_answer_is_in_utc_whatever_the_question() -> None:
    local = datetime(2026, 1, 15, 23, 0, tzinfo=NEW_YORK)
    allowed_at = next_allowed(local, (time(21), time(8)), NEW_YORK)
    assert allowed_at.tzinfo is UTC
    assert allowed_at == at(2026, 1, 16, 13, 0)


# Zones and the days around which their clocks change: an hour, half an hour, at midnight, a whole day skipped, never.
DAYS: list[tuple[str, date]] = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kathmandu", date(2026, 6, 1)),
]
MINUTES = 5 * 24 * 60
Clock = list[int]
"""What the wall clock shows, in minutes since midnight, for each minute from two days before the day in question."""


@pytest.fixture(scope="module")
def wall_clocks(databases: Databases) -> list[tuple[ZoneInfo, datetime, Clock]]:
    """Ask PostgreSQL, which has its own code for time zones, what clocks show around the hard days."""
    clocks = []
    with databases.empty() as urls, psycopg.connect(urls.superuser) as connection:
        for name, day in DAYS:
            start = datetime.combine(day, time(0), UTC) - timedelta(days=2)
            shown = connection.execute(
                "SELECT extract(epoch FROM (minute AT TIME ZONE %s)::time)::int / 60"
                " FROM generate_series(%s, %s, interval '1 minute') minute ORDER BY minute",
                [name, start, start + timedelta(minutes=MINUTES - 1)],
            ).fetchall()
            clocks.append((ZoneInfo(name), start, [minutes for (minutes,) in shown]))
    return clocks


@pytest.mark.integration
@settings(max_examples=500)
@given(
    st.integers(0, len(DAYS) - 1),
    # Most of them around the change, which is never far from the third midnight in UTC.
    st.integers(0, 3 * 24 * 60 - 1) | st.integers(2 * 24 * 60 - 12 * 60, 2 * 24 * 60 + 12 * 60),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.integers(0, 59_999_999),
)
def test_quiet_hours_agree_with_what_the_wall_clock_shows(
    wall_clocks: list[tuple[ZoneInfo, datetime, Clock]], which: int, minute: int, opens: int, closes: int, into: int
) -> None:
    zone, start, clock = wall_clocks[which]
    now = start + timedelta(minutes=minute, microseconds=into)
    window = (time(opens // 60, opens % 60), time(closes // 60, closes % 60))

    quiet_minutes = {(opens + step) % 1440 for step in range((closes - opens) % 1440)}
    if clock[minute] not in quiet_minutes:
        assert not is_quiet(now, window, zone)
        assert next_allowed(now, window, zone) == now
        return
    first = next(later for later in range(minute, MINUTES) if clock[later] not in quiet_minutes)
    assert is_quiet(now, window, zone)
    assert next_allowed(now, window, zone) == start + timedelta(minutes=first)
