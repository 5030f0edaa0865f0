"""Guesses cost growing waits, for any address, and a wait always ends."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from domain.access.lockout import (
    FIRST_WAIT,
    FORGOTTEN_AFTER,
    FREE_FAILURES,
    LONGEST_WAIT,
    Guesses,
    address_key,
    counted,
    forgive,
    lock_of,
    locked,
    take_guess,
    wait_after,
)
from domain.access.models import GuessCount
from tests.support.people import NOW

if TYPE_CHECKING:
    from datetime import datetime

    from domain.kernel.database import Database

KEY = address_key("ada@example.com")
_GAPS = st.timedeltas(timedelta(0), timedelta(minutes=2)) | st.timedeltas(timedelta(days=-400), timedelta(days=400))


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, None), (1, None), (4, None), (5, 30), (6, 60), (7, 120), (8, 240), (11, 1920), (12, 3600), (99, 3600)],
)
def test_each_wait_is_twice_the_one_before_up_to_an_hour(failures: int, seconds: int | None) -> None:
    assert wait_after(failures) == (None if seconds is None else timedelta(seconds=seconds))


def test_failures_of_yesterday_are_forgotten() -> None:
    many = Guesses(30, NOW)
    assert counted(many, NOW + FORGOTTEN_AFTER).failures == 1
    assert counted(many, NOW + FORGOTTEN_AFTER - timedelta(seconds=1)).failures == 31


@given(st.integers(0, 20), st.lists(_GAPS, max_size=40))
def test_whatever_the_clock_does_nobody_waits_longer_than_the_longest_wait(
    failures: int, gaps: list[timedelta]
) -> None:
    guesses, now = Guesses(failures, NOW), NOW
    for gap in gaps:
        now += gap
        if locked(guesses, now) is None:
            guesses = counted(guesses, now)
        until = locked(guesses, now)
        assert until is None or now < until <= now + LONGEST_WAIT


@given(st.lists(st.timedeltas(timedelta(0), timedelta(hours=2)), max_size=60))
def test_no_more_guesses_are_taken_than_the_waits_allow(gaps: list[timedelta]) -> None:
    guesses, now, taken = Guesses(), NOW, list[timedelta]()
    for gap in gaps:
        now += gap
        if locked(guesses, now) is None:
            guesses = counted(guesses, now)
            taken.append(now - NOW)
    late = taken[FREE_FAILURES:]
    waits = [wait_after(place + FREE_FAILURES + 1) or timedelta(0) for place in range(len(late))]
    close = [after - before >= wait for (before, after), wait in zip(itertools.pairwise(late), waits, strict=False)]
    assert all(close)


@pytest.mark.integration
def test_a_wait_counts_for_the_address_however_it_is_written(database: Database) -> None:
    _fail(database, address_key("  ADA@example.com"), 5)
    with database.platform_scope() as session:
        assert lock_of(session, KEY, NOW) == NOW + FIRST_WAIT
        assert lock_of(session, address_key("grace@example.com"), NOW) is None


@pytest.mark.integration
def test_while_it_waits_no_guess_is_counted_so_that_it_ends(database: Database) -> None:
    _fail(database, KEY, 5)
    with database.platform_scope() as session:
        assert [take_guess(session, KEY, NOW)[0] for _ in range(50)] == [False] * 50
        assert take_guess(session, KEY, NOW + FIRST_WAIT)[0]


@pytest.mark.integration
def test_a_right_guess_begins_anew(database: Database) -> None:
    _fail(database, KEY, 4)
    with database.platform_scope() as session:
        forgive(session, KEY)
    assert [one for one, _ in _fail(database, KEY, 5)] == [True] * 5


@pytest.mark.integration
def test_forgotten_counts_do_not_pile_up(database: Database) -> None:
    for number in range(10):
        _fail(database, address_key(f"{number}@example.com"), 1)
    _fail(database, KEY, 1, now=NOW + FORGOTTEN_AFTER + timedelta(seconds=1))
    with database.platform_scope() as session:
        assert session.scalar(select(func.count()).select_from(GuessCount)) == 1


def _fail(database: Database, key: bytes, times: int, *, now: datetime = NOW) -> list[tuple[bool, Guesses]]:
    taken = []
    for _ in range(times):
        with database.platform_scope() as session:
            taken.append(take_guess(session, key, now))
    return taken
