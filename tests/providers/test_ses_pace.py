"""The account's send rate: a burst of one second's worth, then one turn after the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from providers.ses.pace import ASK_EVERY, Pace
from tests.support.eventually import eventually


class Time:
    """A clock that moves only when somebody waits by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waited: list[float] = []

    def pause(self, seconds: float) -> None:
        self.waited.append(round(seconds, 6))
        self.now += seconds


def paced(time: Time, ask: Callable[[], float | None]) -> Pace:
    return Pace(ask, now=lambda: time.now, pause=time.pause)


def knowing(time: Time, rate: float) -> Pace:
    """Return a pace that has learned its rate, after a rest."""
    pace = paced(time, lambda: rate)

    def has_learned() -> bool:
        pace.wait_for_turn(timedelta(hours=1))
        return bool(time.waited)

    eventually(has_learned)
    time.now += 60
    time.waited.clear()
    return pace


def test_a_seconds_worth_goes_at_once_and_the_rest_in_turn() -> None:
    time = Time()
    pace = knowing(time, 4)
    assert [pace.wait_for_turn(timedelta(seconds=2)) for _ in range(6)] == [None] * 6
    assert time.waited == [0.25, 0.25]


def test_nobody_waits_longer_than_was_said() -> None:
    time = Time()
    pace = knowing(time, 0.5)
    assert pace.wait_for_turn(timedelta(seconds=1)) is None
    assert time.waited == []
    before = time.now
    assert pace.wait_for_turn(timedelta(seconds=1)) == timedelta(seconds=2)
    assert time.now == before


def test_a_rate_that_can_not_be_learned_holds_nothing_up() -> None:
    asked = []

    def refuse() -> float | None:
        asked.append(1)
        raise PermissionError

    time = Time()
    pace = paced(time, refuse)
    for _ in range(5):
        assert pace.wait_for_turn(timedelta(0)) is None
    eventually(lambda: asked)
    assert time.waited == []


def test_the_rate_is_learned_anew_every_hour() -> None:
    asked = []

    def ask() -> float | None:
        asked.append(1)
        return None

    time = Time()
    pace = paced(time, ask)
    pace.wait_for_turn(timedelta(0))
    pace.wait_for_turn(timedelta(0))
    eventually(lambda: len(asked) == 1)
    time.now += ASK_EVERY.total_seconds()
    pace.wait_for_turn(timedelta(0))
    eventually(lambda: len(asked) == 2)


@pytest.mark.parametrize("rate", [None, 0, -1.0])
def test_an_unlimited_account_is_not_limited(rate: float | None) -> None:
    time = Time()
    pace = paced(time, lambda: rate)
    for _ in range(20):
        assert pace.wait_for_turn(timedelta(0)) is None
