"""The decisions of delivery, by table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery.policy import (
    ERRORS,
    SEND_TRIES,
    TREATMENTS,
    ErrorClass,
    keyword,
    may_retry,
    meaning,
    state_of,
    strongest,
    until_midnight_pacific,
    wait_before_retry,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "http_status", "expected"),
    [
        (20429, 429, ErrorClass.RETRY),
        (21611, 400, ErrorClass.BACK_OFF),
        (30023, None, ErrorClass.UNTIL_MIDNIGHT),
        (20500, 500, ErrorClass.AMBIGUOUS),
        (20503, 503, ErrorClass.AMBIGUOUS),
        (30003, None, ErrorClass.FEW),
        (21211, 400, ErrorClass.RECIPIENT),
        (21610, 400, ErrorClass.OPTED_OUT),
        (30007, None, ErrorClass.NEVER),
        (21617, 400, ErrorClass.TOO_LONG),
        (20003, 401, ErrorClass.CONFIGURATION),
        (30034, None, ErrorClass.CONFIGURATION),
        (99999, 503, ErrorClass.AMBIGUOUS),
        (99999, 429, ErrorClass.BACK_OFF),
        (99999, 400, ErrorClass.UNCLASSIFIED),
        (99999, None, ErrorClass.UNCLASSIFIED),
        (None, 0, ErrorClass.RETRY),
        (None, 401, ErrorClass.CONFIGURATION),
        (None, 502, ErrorClass.AMBIGUOUS),
        (None, 418, ErrorClass.UNCLASSIFIED),
    ],
)
def test_an_error_means(code: int | None, http_status: int | None, expected: ErrorClass) -> None:
    assert meaning(code, http_status).error_class is expected


def test_every_class_has_a_treatment_and_plain_words() -> None:
    assert set(TREATMENTS) == set(ErrorClass)
    for code, found in ERRORS.items():
        assert found.words.endswith("."), code


def test_classes_are_tried_as_often_as_they_deserve() -> None:
    assert may_retry(ErrorClass.RETRY, SEND_TRIES - 1)
    assert not may_retry(ErrorClass.RETRY, SEND_TRIES)
    assert may_retry(ErrorClass.FEW, 2)
    assert not may_retry(ErrorClass.FEW, 3)


@pytest.mark.parametrize(
    ("error_class", "tries_used", "retry_after", "expected"),
    [
        (ErrorClass.RETRY, 1, None, None),
        (ErrorClass.RETRY, 1, timedelta(seconds=7), timedelta(seconds=7)),
        (ErrorClass.BACK_OFF, 1, None, timedelta(minutes=1)),
        (ErrorClass.BACK_OFF, 3, None, timedelta(minutes=4)),
        (ErrorClass.BACK_OFF, 8, None, timedelta(hours=1)),
        (ErrorClass.BACK_OFF, 1, timedelta(hours=2), timedelta(hours=2)),
        (ErrorClass.FEW, 2, None, timedelta(minutes=10)),
        (ErrorClass.UNTIL_MIDNIGHT, 1, None, timedelta(hours=20)),
    ],
)
def test_the_least_wait_before_a_retry(
    error_class: ErrorClass, tries_used: int, retry_after: timedelta | None, expected: timedelta | None
) -> None:
    assert wait_before_retry(error_class, tries_used, NOON, retry_after) == expected


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 3, 8, 8, tzinfo=UTC), 23),  # midnight before the clocks go forward
        (datetime(2026, 11, 1, 7, tzinfo=UTC), 25),  # midnight before they go back
        (datetime(2026, 7, 1, 6, tzinfo=UTC), 1),
    ],
)
def test_midnight_in_los_angeles(now: datetime, hours: int) -> None:
    assert until_midnight_pacific(now) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", "accepted"),
        ("accepted", "accepted"),
        ("scheduled", "accepted"),
        ("sending", "accepted"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("read", "delivered"),
        ("partially_delivered", "undelivered"),
        ("undelivered", "undelivered"),
        ("failed", "failed"),
        ("canceled", "failed"),
        ("a word of the future", "accepted"),
    ],
)
def test_a_status_as_a_state(status: str, state: str) -> None:
    assert state_of(status) == state


STATUSES = st.sampled_from(["queued", "sending", "sent", "delivered", "undelivered", "failed", "read", "novel"])


@given(st.lists(st.tuples(STATUSES, st.sampled_from([None, "30003", "30008"])), min_size=1), st.randoms())
def test_the_strongest_report_does_not_depend_on_the_order(
    reports: list[tuple[str, str | None]], random: Random
) -> None:
    expected = strongest(reports)
    shuffled = list(reports)
    random.shuffle(shuffled)
    assert strongest(shuffled) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        *((word, "stop") for word in ("STOP", "unsubscribe", "End", "QUIT", "stopall", "revoke", "OptOut", "cancel")),
        *((word, "start") for word in ("START", "yes", "UnStop")),
        *((word, "help") for word in ("HELP", "info")),
        ("  stop\n", "stop"),
        ("Stop.", "stop"),
        ("STOP!!", "stop"),
        ("please stop", None),
        ("stop by at 5?", None),
        ("yes please", None),
        ("YES!", None),
        ("cancellation", None),
        ("", None),
    ],
)
def test_keywords(body: str, expected: str | None) -> None:
    assert keyword(body) == expected
