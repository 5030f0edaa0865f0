"""What reports of one message come to, whatever order they come in."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery.policy import ErrorClass, Meaning, meaning
from domain.delivery.states import Report, state_of, strongest, verdict


def by_code(code: str | None) -> Meaning:
    return meaning(None if code is None else int(code))


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


CODES = st.sampled_from([None, "21610", "30003", "30005", "30007", "30008", "30017", "30034"])


@given(st.lists(st.tuples(STATUSES, CODES), min_size=1), st.randoms())
def test_a_verdict_does_not_depend_on_the_order(reports: list[Report], random: Random) -> None:
    expected = verdict(reports, by_code)
    shuffled = list(reports)
    random.shuffle(shuffled)
    assert verdict(shuffled, by_code) == expected


@pytest.mark.parametrize(
    ("reports", "state", "error_class", "again"),
    [
        ([("queued", None)], "accepted", None, False),
        ([("sent", None), ("undelivered", "30003")], "undelivered", ErrorClass.FEW, True),
        ([("undelivered", "30003"), ("delivered", None)], "delivered", None, False),
        ([("failed", "30007")], "failed", ErrorClass.NEVER, False),
        ([("failed", "30005"), ("undelivered", "30003")], "failed", ErrorClass.RECIPIENT, False),
        ([("failed", "30034")], "failed", ErrorClass.CONFIGURATION, True),
        ([("undelivered", None)], "undelivered", ErrorClass.UNCLASSIFIED, False),
        ([("canceled", None)], "failed", ErrorClass.UNCLASSIFIED, False),
    ],
)
def test_a_verdict(
    reports: list[Report],
    state: str,
    error_class: ErrorClass | None,
    again: bool,  # noqa: FBT001  # a table
) -> None:
    found = verdict(reports, by_code)
    assert found is not None
    assert (found.state, found.failure and found.failure.error_class, found.again) == (state, error_class, again)


def test_no_report_has_no_verdict() -> None:
    assert verdict([], by_code) is None
