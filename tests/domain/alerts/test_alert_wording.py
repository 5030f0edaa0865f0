"""The words that owners read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.alerts.policy import AlertKind
from domain.alerts.wording import QUOTE_LENGTH, Told, digest, quote, single, trial
from domain.delivery.email_templates import render

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOLD = st.builds(Told, st.sampled_from([*AlertKind, "of a later release"]), st.text(max_size=2_000), st.just(NOON))


@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_says_whose_it_is_what_happened_and_what_to_do(kind: AlertKind) -> None:
    words = single("Harbor Plumbing", Told(kind, '+15005550001 wrote: "Help".', NOON))
    assert words.sms.startswith("Harbor Plumbing: ")
    assert '+15005550001 wrote: "Help".' in words.sms
    assert "lease" in words.sms or "call them" in words.sms
    email = render(words.email)
    assert '+15005550001 wrote: "Help".' in email.body
    assert email.subject.startswith("Harbor Plumbing: ")


def test_a_digest_counts_and_shows_the_last_ones() -> None:
    told = [Told(AlertKind.NEW_LEAD, f"Lead {number}.", NOON) for number in range(60)]
    words = digest("Harbor", [*told, Told(AlertKind.CALL_BACK, "Call Ann.", NOON)])
    assert words.sms == (
        "Harbor: 61 more alerts: 60 new requests, 1 call-back wanted. The last: Lead 59. / Call Ann."
        " Please look after them."
    )
    email = render(words.email)
    assert "Call Ann." in email.body
    assert "And 11 more." in email.body


def test_a_digest_of_one_is_that_one() -> None:
    one = Told(AlertKind.CALL_BACK, "Call Ann.", NOON)
    assert digest("Harbor", [one]) == single("Harbor", one)


@given(st.lists(TOLD, min_size=1, max_size=80))
def test_a_text_is_never_too_long_to_be_sent_whatever_was_written(told: list[Told]) -> None:
    assert 0 < len(digest("Harbor Plumbing", told).sms) <= 612


@given(st.text())
def test_a_quotation_is_one_short_line(text: str) -> None:
    assert len(quote(text)) <= QUOTE_LENGTH + 2
    assert "\n" not in quote(text)


def test_a_test_says_that_it_is_one() -> None:
    assert "test" in trial("Harbor").sms
