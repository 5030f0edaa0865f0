"""Which channels carry an alert, and what is said when none does: owner by owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.alerts.policy import NOT_ALERTED, AlertKind, Owner, channels_to_use, problem_of, reaches, words_of

FINE: Final = Owner(
    org_id=UUID(int=1),
    client_name="Harbor Plumbing",
    timezone="America/New_York",
    channel="sms",
    kinds=None,
    collapse=timedelta(minutes=5),
    phone="+15005550010",
    email="owner@example.com",
    has_sender=True,
    sms_opted_out=False,
    email_opted_out=False,
    sms_refused=False,
    email_refused=False,
    sms_failed=False,
    email_failed=False,
    noticed=False,
)
OWNERS: Final = st.builds(
    replace,
    st.just(FINE),
    channel=st.sampled_from(["none", "sms", "email", "both"]),
    phone=st.sampled_from([None, "5005550010", "+15005550010"]),
    email=st.sampled_from([None, "owner@example.com"]),
    has_sender=st.booleans(),
    sms_opted_out=st.booleans(),
    email_opted_out=st.booleans(),
    sms_refused=st.booleans(),
    email_refused=st.booleans(),
    sms_failed=st.booleans(),
    email_failed=st.booleans(),
)

CASES: Final[list[tuple[dict[str, Any], list[str], str]]] = [
    ({}, ["sms"], "You are alerted by text message."),
    ({"channel": "both"}, ["sms", "email"], "You are alerted by text message and e-mail."),
    ({"channel": "none"}, [], f"{NOT_ALERTED} Alerts are turned off"),
    ({"phone": None, "email": None}, [], f"{NOT_ALERTED} No mobile number of the owner is set. Set the owner's"),
    ({"phone": None}, ["email"], "You are alerted by e-mail. No mobile number"),
    ({"phone": "5005550010", "email": None}, [], f"{NOT_ALERTED} The owner's mobile number is not in"),
    ({"has_sender": False, "email": None}, [], f"{NOT_ALERTED} The client has no number to text from."),
    ({"sms_opted_out": True, "email": None}, [], f"{NOT_ALERTED} The owner's phone has opted out"),
    ({"channel": "email", "email_opted_out": True, "phone": None}, [], f"{NOT_ALERTED} The owner's e-mail address bou"),
    ({"sms_refused": True, "email": None}, ["sms"], f"{NOT_ALERTED} The provider refuses the client's number"),
    ({"sms_refused": True}, ["email"], "You are alerted by e-mail. The provider refuses"),
    ({"sms_failed": True, "email": None}, ["sms"], f"{NOT_ALERTED} The last text to the owner was not delivered."),
    ({"sms_failed": True}, ["sms", "email"], "You are alerted by e-mail. The last text"),
    ({"channel": "both", "sms_failed": True}, ["sms", "email"], "You are alerted by e-mail. The last text"),
    ({"channel": "both", "email_refused": True}, ["sms", "email"], "You are alerted by text message. The provider"),
]


@pytest.mark.parametrize(("changes", "channels", "words"), CASES)
def test_each_owner_is_told_how_they_are_alerted(changes: dict[str, Any], channels: list[str], words: str) -> None:
    owner = replace(FINE, **changes)
    assert list(channels_to_use(owner)) == channels
    assert words_of(owner, None).startswith(words)


def test_what_the_gate_forbids_is_said_first() -> None:
    words = words_of(FINE, "Notifications to the owner are paused for this client.")
    assert words.startswith(f"{NOT_ALERTED} Notifications to the owner are paused")


@given(OWNERS)
def test_the_promise_is_broken_exactly_when_nothing_reaches_the_owner(owner: Owner) -> None:
    assert words_of(owner, None).startswith(NOT_ALERTED) is not reaches(owner)


@given(OWNERS)
def test_nothing_is_sent_where_it_can_not_arrive_and_nobody_is_alerted_who_chose_not_to_be(owner: Owner) -> None:
    used = channels_to_use(owner)
    assert len(set(used)) == len(used)
    assert all((problem := problem_of(owner, channel)) is None or problem.still_tried for channel in used)
    assert not used or owner.channel != "none"


@given(OWNERS)
def test_whoever_can_be_reached_by_a_chosen_channel_is(owner: Owner) -> None:
    for channel in ("sms", "email"):
        if owner.chose(channel) and problem_of(owner, channel) is None:
            assert channel in channels_to_use(owner)


@given(st.sampled_from(AlertKind), st.none() | st.lists(st.sampled_from([kind.value for kind in AlertKind])))
def test_a_danger_is_always_wanted(kind: AlertKind, kinds: list[str] | None) -> None:
    owner = replace(FINE, kinds=kinds)
    assert owner.wants(AlertKind.CRISIS)
    assert owner.wants(kind) is (kinds is None or kind.value in kinds or kind is AlertKind.CRISIS)
