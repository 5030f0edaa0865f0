"""Single guards: billing and cancellation state by state, booking, words, and what inputs may hold."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.gate.guards import RULE_VERSION, Guard
from domain.gate.policy import RULES, billing_in_order, can_send_booking_link, can_send_sms, not_cancelled
from domain.gate.snapshot import Snapshot
from tests.domain.gate.snapshots import ANY, BOOKING_URL, DAY, NOON, OPEN, changed

SOON, LONG_AGO = NOON + timedelta(seconds=1), NOON - timedelta(days=30)

BILLING: list[tuple[dict[str, Any], str, str]] = [
    # state of the client                                                                  cancellation, billing
    ({"billing_status": "active"}, "allow", "allow"),
    ({"billing_status": "active", "payment_active": False}, "allow", "allow"),
    ({"billing_status": "active", "cancels_at": SOON}, "allow", "allow"),
    ({"billing_status": "active", "cancels_at": NOON}, "hard", "allow"),
    ({"billing_status": "past_due", "payment_active": False}, "allow", "allow"),
    ({"billing_status": "past_due", "cancels_at": LONG_AGO}, "hard", "allow"),
    ({"billing_status": "canceled"}, "hard", "hard"),
    ({"billing_status": "canceled", "cancels_at": SOON}, "hard", "hard"),
    ({"billing_status": "canceled", "cancels_at": NOON}, "hard", "hard"),
    ({"billing_status": "trial", "payment_active": False}, "allow", "allow"),
    ({"billing_status": "trial", "payment_active": False, "trial_ends_at": SOON}, "allow", "allow"),
    ({"billing_status": "trial", "payment_active": False, "trial_ends_at": NOON}, "allow", "hard"),
    ({"billing_status": "trial", "payment_active": True, "trial_ends_at": LONG_AGO}, "allow", "allow"),
    ({"billing_status": "none", "payment_active": False}, "allow", "allow"),
    ({"billing_status": "none", "payment_active": True, "trial_used_at": LONG_AGO}, "allow", "allow"),
    ({"billing_status": "none", "payment_active": False, "trial_used_at": LONG_AGO}, "allow", "hard"),
    ({"billing_status": "none", "payment_active": False, "trial_ends_at": SOON}, "allow", "allow"),
    ({"billing_status": "none", "payment_active": False, "trial_ends_at": LONG_AGO}, "allow", "hard"),
    ({"billing_status": "unheard of"}, "allow", "hard"),
    ({"billing_status": "active", "archived_at": LONG_AGO}, "hard", "allow"),
    ({"billing_status": "active", "archived_at": SOON}, "hard", "allow"),
]


@pytest.mark.parametrize(("state", "cancellation", "billing"), BILLING)
def test_billing_and_cancellation(state: dict[str, Any], cancellation: str, billing: str) -> None:
    snapshot = changed(**state)
    assert not_cancelled(snapshot).outcome == cancellation
    assert billing_in_order(snapshot).outcome == billing


def test_grace_says_that_it_is_grace() -> None:
    assert "grace" in billing_in_order(changed(billing_status="past_due")).reason


@pytest.mark.parametrize(
    ("mode", "url", "outcome", "word"),
    [
        ("redirect", BOOKING_URL, "allow", "usable"),
        ("redirect", None, "soft", "no booking address is set"),
        ("redirect", "http://book.example.com/", "soft", "https"),
        ("redirect", "https://user:pw@book.example.com/", "soft", "password"),
        ("redirect", "https://localhost/", "soft", "public"),
        ("redirect", "https://book.example.com/\\", "soft", "web address"),
        ("capture", None, "allow", "taken down"),
        ("capture", "http://book.example.com/", "allow", "taken down"),
        ("none", BOOKING_URL, "soft", "does not offer"),
        ("carrier pigeon", BOOKING_URL, "soft", "does not offer"),
    ],
)
def test_booking(mode: str, url: str | None, outcome: str, word: str) -> None:
    decision = can_send_booking_link(changed(booking_mode=mode, booking_url=url))
    assert decision.outcome == outcome
    assert outcome == "allow" or word in decision.reason


@pytest.mark.parametrize("zone", ["Nowhere/Nothing", "", "../etc/passwd", "/etc/localtime", "America"])
def test_an_unknown_time_zone_stops_what_nobody_asked_for_and_nothing_else(zone: str) -> None:
    decision = can_send_sms(changed(timezone=zone, quiet_hours=DAY))
    assert decision.block == "hard"
    assert "time zone" in decision.reason
    assert can_send_sms(changed(timezone=zone, quiet_hours=DAY, direct_reply=True)).allowed
    assert can_send_sms(changed(timezone=zone, quiet_hours=None)).allowed


def test_quiet_hours_tell_when_they_end() -> None:
    decision = can_send_sms(changed(quiet_hours=DAY))
    assert decision.block == "soft"
    assert decision.retry_at == datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
    assert can_send_sms(replace(OPEN, quiet_hours=DAY, now=decision.retry_at)).allowed


@pytest.mark.parametrize(
    ("zone", "words"),
    [("America/New_York", "until 13:05 in America/New_York."), ("Nowhere/Nothing", "until 18:05 UTC.")],
)
def test_a_conversation_that_a_person_answers_says_until_when(zone: str, words: str) -> None:
    decision = RULES[Guard.NOT_TAKEN_OVER](changed(timezone=zone, taken_over_until=NOON + timedelta(minutes=65)))
    assert decision.block == "hard"
    assert decision.reason.endswith(words)


HARDER: list[dict[str, Any]] = [
    {"org_active": False},
    {"cancels_at": datetime(2020, 1, 1, tzinfo=UTC)},
    {"archived_at": datetime(2020, 1, 1, tzinfo=UTC)},
    {"outbound_paused": True},
    {"platform_outbound_stopped": True},
    {"notifications_paused": True},
    {"recipient_opted_out": True},
    {"taken_over_until": datetime(2030, 1, 1, tzinfo=UTC)},
    {"billing_status": "canceled", "cancels_at": None},
    {"billing_status": "none", "payment_active": False, "trial_ends_at": datetime(2020, 1, 1, tzinfo=UTC)},
]
SOFTER: list[dict[str, Any]] = [
    {"ai_disabled": True},
    {"platform_ai_stopped": True},
    {"onboarding_complete": False},
    {"booking_mode": "none"},
]
_RANK = {"allow": 0, "soft": 1, "hard": 2}


@given(ANY, st.sampled_from(Guard), st.sampled_from(HARDER[:8] + SOFTER))
def test_throwing_a_switch_never_loosens_a_decision(snapshot: Snapshot, guard: Guard, block: dict[str, Any]) -> None:
    before, after = RULES[guard](snapshot), RULES[guard](replace(snapshot, **block))
    assert _RANK[after.outcome] >= _RANK[before.outcome]


@given(ANY, st.sampled_from(Guard), st.lists(st.sampled_from(HARDER + SOFTER), min_size=1))
def test_a_hard_block_holds_whatever_else_is_the_case(
    snapshot: Snapshot, guard: Guard, others: list[dict[str, Any]]
) -> None:
    for block in HARDER:
        if RULES[guard](replace(OPEN, **block)).block == "hard":
            worse = snapshot
            for other in others:
                worse = replace(worse, **other)
            assert RULES[guard](replace(worse, **block)).block == "hard"


@given(ANY, st.sampled_from(Guard), st.integers(-14, 14))
def test_a_decision_depends_on_the_state_alone(snapshot: Snapshot, guard: Guard, hours: int) -> None:
    elsewhere = replace(snapshot, now=snapshot.now.astimezone(timezone(timedelta(hours=hours))))
    of_another = replace(snapshot, client_id=OPEN.client_id, org_id=OPEN.org_id)
    assert RULES[guard](snapshot) == RULES[guard](snapshot) == RULES[guard](elsewhere) == RULES[guard](of_another)


@given(ANY, st.sampled_from(Guard))
def test_a_decision_is_whole_and_holds_nothing_that_must_not_be_kept(snapshot: Snapshot, guard: Guard) -> None:
    decision = RULES[guard](snapshot)
    assert decision.allowed is (decision.block is None)
    assert decision.rule_version == RULE_VERSION
    assert decision.reason[0].isupper()
    assert decision.reason.endswith(".")
    assert "_" not in decision.reason.replace(snapshot.timezone, "")
    kept = json.dumps(dict(decision.inputs))
    assert "example.com" not in kept
    assert str(snapshot.client_id) not in kept
    assert set(decision.inputs) <= {field.name for field in fields(Snapshot)} | {"organization_active", "asked"}


@given(ANY)
def test_only_quiet_hours_have_an_end_to_wait_for(snapshot: Snapshot) -> None:
    for guard in Guard:
        decision = RULES[guard](snapshot)
        waits = decision.guard is guard is Guard.CAN_SEND_SMS and decision.block == "soft"
        assert (decision.retry_at is not None) is waits
        assert decision.retry_at is None or decision.retry_at > snapshot.now
