"""The decisions of delivery, by table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.delivery.policy import (
    ERRORS,
    SEND_TRIES,
    TREATMENTS,
    ErrorClass,
    may_retry,
    meaning,
    until_midnight_pacific,
    wait_before_lookup,
    wait_before_retry,
    wait_for_provider,
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
        (30035, None, ErrorClass.REGISTRATION),
        (21408, 400, ErrorClass.REGION),
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
    ("age", "expected"),
    [
        (timedelta(seconds=-5), timedelta(seconds=2)),
        (timedelta(seconds=10), timedelta(seconds=2)),
        (timedelta(seconds=160), timedelta(seconds=10)),
        (timedelta(hours=3), timedelta(minutes=1)),
        (timedelta(hours=24), None),
    ],
)
def test_a_provider_that_is_not_reached_is_tried_more_rarely_and_for_a_day(
    age: timedelta, expected: timedelta | None
) -> None:
    assert wait_for_provider(age) == expected


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
    ("age", "wait"),
    [
        (timedelta(seconds=25), timedelta(seconds=5)),
        (timedelta(minutes=4), timedelta(seconds=30)),
        (timedelta(hours=5), timedelta(minutes=37, seconds=30)),
        (timedelta(hours=12), timedelta(hours=1)),
        (timedelta(hours=23, minutes=30), timedelta(minutes=30)),
        (timedelta(hours=24), None),
        (timedelta(days=3), None),
    ],
)
def test_a_provider_that_cannot_tell_is_asked_less_and_less_often_for_a_day(
    age: timedelta, wait: timedelta | None
) -> None:
    assert wait_before_lookup(age, "sms") == wait


def test_a_lost_email_waits_an_hour_for_its_event() -> None:
    assert wait_before_lookup(timedelta(minutes=1), "email") == timedelta(minutes=59)
    assert wait_before_lookup(timedelta(hours=1), "email") is None
