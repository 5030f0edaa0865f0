"""Workers go by the database's clock, so that one whose own is wrong makes nobody wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.support.databases import DatabaseUrls
from workers.database_clock import TOO_SLOW, DatabaseClock

pytestmark = pytest.mark.integration
NEAR = timedelta(seconds=5)


def in_an_hour() -> float:
    return time.time() + 3600


def test_a_wrong_wall_clock_makes_no_difference_once_the_database_was_asked(database_urls: DatabaseUrls) -> None:
    clock = DatabaseClock(wall=in_an_hour)
    assert clock.now() - datetime.now(UTC) > timedelta(minutes=59)

    with psycopg.connect(database_urls.platform) as connection:
        clock.read(connection)

    assert abs(clock.now() - datetime.now(UTC)) < NEAR


def test_it_counts_on_by_the_uptime_while_nobody_asks(database_urls: DatabaseUrls) -> None:
    uptime = [100.0]
    clock = DatabaseClock(uptime=lambda: uptime[0])
    with psycopg.connect(database_urls.platform) as connection:
        clock.read(connection)
    before = clock.now()

    uptime[0] += 90

    assert abs(clock.now() - before - timedelta(seconds=90)) < timedelta(milliseconds=1)


def test_an_answer_that_took_long_is_not_believed(database_urls: DatabaseUrls) -> None:
    ticks = iter([0.0, 10.0, 10.0 + TOO_SLOW * 2, 20.0])
    clock = DatabaseClock(wall=lambda: 1_000_000.0, uptime=lambda: next(ticks))

    with psycopg.connect(database_urls.platform) as connection:
        clock.read(connection)

    assert clock.now() == datetime.fromtimestamp(1_000_020, UTC)
