"""How outcomes end runs, as a table and as properties."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.queue.outcome import Cancel, Dead, Done, Outcome, Retry, Snooze
from domain.queue.policy import (
    BASE_DELAY,
    LONGEST_RETRY_AFTER,
    LOST_LIMIT,
    MAX_DELAY,
    REASON_LENGTH,
    RETRY_AFTER_SPREAD,
    Ending,
    backoff,
    ending,
    fingerprint,
    lost,
)

_UNTIL = datetime(2040, 1, 1, tzinfo=UTC)
_RNGS = st.randoms(use_true_random=False)
_TRIES = st.integers(1, 10_000)


def _end(outcome: Outcome, *, tries: int = 1, last_try: bool = False) -> Ending:
    return ending(outcome, kind="test.note", tries=tries, last_try=last_try, rng=random.Random(1))


@pytest.mark.parametrize("last_try", [False, True])
@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Done("found"), Ending("completed", "completed", "found")),
        (Cancel("off"), Ending("cancelled", "cancelled", "off")),
        (Snooze(_UNTIL, "night"), Ending("scheduled", "snoozed", "night", run_at=_UNTIL, keeps_try=True)),
        (Dead("no", "E"), Ending("dead", "dead", "no", "E", fingerprint("test.note", "E", "no"))),
    ],
)
def test_only_a_retry_asks_which_try_it_was(outcome: Outcome, expected: Ending, *, last_try: bool) -> None:
    assert _end(outcome, last_try=last_try) == expected


def test_a_retry_after_the_last_try_is_dead_whatever_wait_was_asked_for() -> None:
    expected = Ending("dead", "dead", "no", "E", fingerprint("test.note", "E", "no"))
    assert _end(Retry("no", timedelta(hours=1), "E"), last_try=True) == expected


@given(_TRIES, _RNGS)
def test_a_wait_lies_between_nothing_and_its_ceiling(tries: int, rng: random.Random) -> None:
    ceiling = min(MAX_DELAY.total_seconds(), BASE_DELAY.total_seconds() * 2.0 ** min(tries - 1, 60))
    assert 0 <= backoff(tries, rng=rng).total_seconds() <= ceiling


@pytest.mark.parametrize("tries", [1, 3, 6, 40])
def test_waits_fill_the_whole_range_evenly(tries: int) -> None:
    rng = random.Random(7)
    ceiling = min(MAX_DELAY, BASE_DELAY * 2 ** (tries - 1))
    waits = sorted(backoff(tries, rng=rng) / ceiling for _ in range(4_000))
    assert waits[0] < 0.01
    assert waits[-1] > 0.99
    assert abs(sum(waits) / len(waits) - 0.5) < 0.02
    assert abs(waits[1_000] - 0.25) < 0.03


@given(st.timedeltas(timedelta(0), LONGEST_RETRY_AFTER), _TRIES, _RNGS)
def test_nobody_returns_before_the_time_that_a_provider_asked_for(
    after: timedelta, tries: int, rng: random.Random
) -> None:
    delay = ending(Retry("busy", after), kind="k", tries=tries, last_try=False, rng=rng).delay
    assert delay is not None
    assert after <= delay <= max(after * (1 + RETRY_AFTER_SPREAD), MAX_DELAY)


@given(st.timedeltas())
def test_no_wait_however_odd_is_an_error(after: timedelta) -> None:
    delay = _end(Retry("busy", after)).delay
    assert delay is not None
    assert timedelta(0) <= delay <= LONGEST_RETRY_AFTER * (1 + RETRY_AFTER_SPREAD)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("No job 17 in 2.5 s", "No job 4 in 11 s"),
        ("No row 01994f3c-7d5e-7a2b-9c1d-0f1e2d3c4b5a", "No row abcdefab-abcd-7a2b-9c1d-abcdefabcdef"),
        ("'Ann' is no client", "'Bob' is no client"),
        ('Column "a" is gone', 'Column "b" is gone'),
        ("call +15005550006", "call 500-555-0010"),
        ("mail ann@example.com", "mail bob@other.org"),
        ("at 0x7f2a08c64750", "at 0x7f577919c550"),
        ("no SM3f0aa1c2b4d5e6f708192a3b4c5d6e7f", "no SMaa0ab1c2b4d5e6f708192a3b4c5d6e7f"),
    ],
)
def test_failures_of_one_cause_share_a_fingerprint(one: str, other: str) -> None:
    assert fingerprint("k", "E", one) == fingerprint("k", "E", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("k", "E", "timed out"), ("k", "E", "refused")),
        (("k", "E", "timed out"), ("k", "F", "timed out")),
        (("k", "E", "timed out"), ("l", "E", "timed out")),
    ],
)
def test_failures_of_different_causes_do_not(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert fingerprint(*one) != fingerprint(*other)


def test_a_retry_and_the_death_that_follows_are_kin() -> None:
    outcome = Retry("mail ann@example.com bounced 3 times", error_class="E")
    assert _end(outcome).fingerprint == _end(outcome, last_try=True).fingerprint


@given(st.text(), st.text(), st.booleans())
def test_whatever_an_error_says_can_be_stored(reason: str, error_class: str, last_try: bool) -> None:  # noqa: FBT001
    end = _end(Retry(reason, error_class=error_class), last_try=last_try)
    for text in (end.reason, end.error_class):
        assert "\x00" not in text
        assert len(text.encode()) <= 4 * REASON_LENGTH


def test_reasons_are_redacted() -> None:
    assert "5550006" not in _end(Done("sent to +15005550006")).reason
    assert "5550006" not in _end(Snooze(_UNTIL, "sent to +15005550006")).reason
    assert "5550006" not in _end(Dead("no", "+15005550006")).error_class


@pytest.mark.parametrize("count", range(1, LOST_LIMIT))
def test_a_lost_run_is_repeated_without_using_up_a_try(count: int) -> None:
    end = lost(kind="k", lost_count=count)
    assert end.keeps_try
    assert end.outcome == "lost"
    assert end.state == ("available" if count == 1 else "retryable")


@pytest.mark.parametrize("count", [LOST_LIMIT, LOST_LIMIT + 1])
def test_a_job_that_kills_is_dead(count: int) -> None:
    end = lost(kind="k", lost_count=count)
    assert (end.state, end.error_class) == ("dead", "WorkerKilled")
    assert f"{count} times" in end.reason
    assert end.fingerprint == lost(kind="k", lost_count=LOST_LIMIT).fingerprint
