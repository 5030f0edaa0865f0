"""When an endpoint is called again, how long it is left alone, and when it is given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.webhooks.policy import (
    DISABLE_FAILURES,
    LONGEST_HOLD,
    LONGEST_RETRY_AFTER,
    RETRY_WAITS,
    SEND_TRIES,
    SHORTEST_HOLD,
    Health,
    Verdict,
    has_failed_for_good,
    hold,
    is_down,
    spread,
    verdict,
    wait_before_retry,
    words,
)
from domain.webhooks.ports import Answer

NOW = datetime(2026, 1, 31, tzinfo=UTC)
TIMES = st.timedeltas(timedelta(0), timedelta(days=30))


@pytest.mark.parametrize(
    ("status", "meaning", "down"),
    [
        (200, "delivered", False),
        (204, "delivered", False),
        (299, "delivered", False),
        (301, "failed", False),
        (400, "failed", False),
        (404, "failed", False),
        (408, "failed", True),
        (410, "gone", False),
        (425, "failed", True),
        (429, "failed", True),
        (500, "failed", True),
        (503, "failed", True),
        (None, "failed", True),
    ],
)
def test_what_an_answer_means(status: int | None, meaning: Verdict, down: bool) -> None:  # noqa: FBT001
    answer = Answer(status, 1, None if status else "No answer.")
    assert verdict(answer) == meaning
    assert is_down(answer) == down
    assert words(answer)


def test_tries_are_spread_over_about_a_day() -> None:
    assert sorted(RETRY_WAITS) == list(RETRY_WAITS)
    assert timedelta(hours=20) < sum(RETRY_WAITS, timedelta(0)) < timedelta(hours=25)


@given(st.integers(1, SEND_TRIES + 5), st.none() | TIMES)
def test_a_wait_is_never_shorter_than_planned_nor_than_asked(tries: int, asked: timedelta | None) -> None:
    wait = wait_before_retry(tries, asked)
    assert wait >= RETRY_WAITS[min(tries, len(RETRY_WAITS)) - 1]
    assert wait >= min(asked or timedelta(0), LONGEST_RETRY_AFTER)
    assert wait <= max(RETRY_WAITS[-1], LONGEST_RETRY_AFTER)


@given(TIMES, TIMES)
def test_the_longer_an_endpoint_is_down_the_longer_it_is_left_alone_within_bounds(a: timedelta, b: timedelta) -> None:
    short, long = sorted((a, b))
    assert SHORTEST_HOLD <= hold(short, None) <= hold(long, None) <= LONGEST_HOLD
    assert spread(short) <= spread(long)


def test_a_moment_of_trouble_costs_a_moment() -> None:
    """Several calls that fail at once are one outage, not a long one."""
    assert hold(timedelta(milliseconds=200), None) == SHORTEST_HOLD


@given(TIMES, TIMES, st.integers(0, 100))
def test_an_endpoint_is_given_up_after_a_long_time_and_several_tries(
    failing_for: timedelta, long: timedelta, failures: int
) -> None:
    given_up = has_failed_for_good(Health(NOW - failing_for, failures), NOW, long)
    assert given_up == (failing_for >= long and failures >= DISABLE_FAILURES)
