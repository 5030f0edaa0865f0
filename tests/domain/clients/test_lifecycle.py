"""Billing step by step: what leads where, what does not and why, and that nothing leads to a contradiction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.clients.errors import NotPossibleError, UnfitClientError
from domain.clients.lifecycle import (
    BY_THE_CLOCK,
    LONGEST_NOTICE,
    LONGEST_TRIAL,
    TRIAL,
    Billing,
    Step,
    contradictions,
    due,
    possible,
    take,
)
from domain.gate.guards import Guard
from domain.gate.policy import RULES
from tests.domain.gate.snapshots import changed

NOW: Final = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
LATER, BEFORE = NOW + timedelta(days=30), NOW - timedelta(days=30)
NEW: Final = Billing()
TRIED: Final = Billing("trial", trial_used_at=BEFORE, trial_ends_at=LATER)
OVER: Final = replace(TRIED, trial_ends_at=NOW)
PAYING: Final = Billing("active", payment_active=True)
OWING: Final = Billing("past_due")
LEAVING: Final = replace(PAYING, cancel_requested_at=BEFORE, cancels_at=LATER)
LAST_DAY: Final = replace(LEAVING, cancels_at=NOW)
LEFT: Final = Billing("canceled", cancel_requested_at=BEFORE, cancels_at=BEFORE)

STEPS: Final = {
    "new": (NEW, {Step.START_TRIAL: "trial", Step.ACTIVATE: "active", Step.REQUEST_CANCELLATION: "none"}),
    "on trial": (TRIED, {Step.ACTIVATE: "active", Step.REQUEST_CANCELLATION: "trial"}),
    "trial over": (
        OVER,
        {Step.ACTIVATE: "active", Step.REQUEST_CANCELLATION: "trial", Step.END_TRIAL: "none"},
    ),
    "paying": (PAYING, {Step.PAYMENT_FAILED: "past_due", Step.REQUEST_CANCELLATION: "active"}),
    "owing": (OWING, {Step.PAYMENT_RESTORED: "active", Step.REQUEST_CANCELLATION: "past_due"}),
    "leaving": (LEAVING, {Step.PAYMENT_FAILED: "past_due", Step.WITHDRAW_CANCELLATION: "active"}),
    "last day": (LAST_DAY, {Step.PAYMENT_FAILED: "past_due", Step.CARRY_OUT_CANCELLATION: "canceled"}),
    "left": (LEFT, {Step.REACTIVATE: "active"}),
}


@pytest.mark.parametrize("state", STEPS)
def test_from_each_state_exactly_these_steps_lead_on(state: str) -> None:
    billing, expected = STEPS[state]
    found = {}
    for step in Step:
        try:
            found[step] = take(billing, step, NOW).billing_status
        except NotPossibleError:
            continue
    assert found == expected
    assert set(possible(billing, NOW)) == set(expected) - BY_THE_CLOCK
    assert due(billing, NOW) in {*expected, None} & {*BY_THE_CLOCK, None}


def test_a_refusal_says_why_and_what_can_be_done() -> None:
    with pytest.raises(NotPossibleError, match=r"was used on 2026-10-21.*only one.*Possible now: activate"):
        take(replace(TRIED, billing_status="none", trial_ends_at=BEFORE), Step.START_TRIAL, NOW)
    with pytest.raises(NotPossibleError, match=r"has left\. Possible now: reactivate\."):
        take(LEFT, Step.PAYMENT_RESTORED, NOW)
    with pytest.raises(NotPossibleError, match="2026-12-20 17:00 UTC is asked for already; withdraw"):
        take(LEAVING, Step.REQUEST_CANCELLATION, NOW)
    with pytest.raises(NotPossibleError, match="has passed"):
        take(LAST_DAY, Step.WITHDRAW_CANCELLATION, NOW)


def test_a_trial_ends_in_two_weeks_or_when_it_is_told_to() -> None:
    assert take(NEW, Step.START_TRIAL, NOW).trial_ends_at == NOW + TRIAL
    assert take(NEW, Step.START_TRIAL, NOW, LATER).trial_ends_at == LATER
    for at in (NOW, BEFORE, NOW + LONGEST_TRIAL + timedelta(seconds=1), LATER.replace(tzinfo=None)):
        with pytest.raises(UnfitClientError):
            take(NEW, Step.START_TRIAL, NOW, at)


def test_a_cancellation_has_a_date_that_lies_ahead_and_is_now_when_none_is_given() -> None:
    assert take(PAYING, Step.REQUEST_CANCELLATION, NOW).cancels_at == NOW
    assert take(PAYING, Step.REQUEST_CANCELLATION, NOW, LATER).cancels_at == LATER
    for at in (BEFORE, NOW + LONGEST_NOTICE + timedelta(seconds=1)):
        with pytest.raises(UnfitClientError):
            take(PAYING, Step.REQUEST_CANCELLATION, NOW, at)
    with pytest.raises(UnfitClientError, match="takes no time"):
        take(PAYING, Step.PAYMENT_FAILED, NOW, LATER)


def test_whoever_comes_back_has_no_cancellation_and_no_second_trial() -> None:
    back = take(replace(LEFT, trial_used_at=BEFORE, trial_ends_at=BEFORE), Step.REACTIVATE, NOW)
    assert back == Billing("active", payment_active=True, trial_used_at=BEFORE, trial_ends_at=BEFORE)


def test_a_trial_that_ends_while_a_payment_is_active_leads_to_a_subscription() -> None:
    assert take(replace(OVER, payment_active=True), Step.END_TRIAL, NOW).billing_status == "active"


def sends(billing: Billing, now: datetime) -> bool:
    snapshot = changed(
        billing_status=billing.billing_status,
        payment_active=billing.payment_active,
        trial_used_at=billing.trial_used_at,
        trial_ends_at=billing.trial_ends_at,
        cancels_at=billing.cancels_at,
        now=now,
    )
    return RULES[Guard.CAN_SEND_SMS](snapshot).allowed


class Life(RuleBasedStateMachine):
    """A client's billing under any steps at any time, with a clock that is also set back."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.billing = NEW
        self.trials = 0

    @rule(by=st.timedeltas(timedelta(days=-40), timedelta(days=400)))
    def the_clock_moves(self, by: timedelta) -> None:
        self.now = min(max(self.now + by, NOW - timedelta(days=365)), NOW + timedelta(days=3650))

    @rule(step=st.sampled_from(Step), ahead=st.none() | st.timedeltas(timedelta(days=-2), timedelta(days=800)))
    def a_step_is_tried(self, step: Step, ahead: timedelta | None) -> None:
        before, can = self.billing, set(possible(self.billing, self.now)) | {due(self.billing, self.now)}
        try:
            self.billing = take(before, step, self.now, None if ahead is None else self.now + ahead)
        except NotPossibleError:
            assert step in BY_THE_CLOCK or step not in can
            return
        except UnfitClientError:
            assert ahead is not None
            return
        self.trials += step is Step.START_TRIAL
        assert self.billing != before

    @rule()
    def the_job_runs(self) -> None:
        while (step := due(self.billing, self.now)) is not None:
            self.billing = take(self.billing, step, self.now)

    @invariant()
    def nothing_contradicts(self) -> None:
        assert contradictions(self.billing) == []

    @invariant()
    def there_is_one_trial(self) -> None:
        assert self.trials <= 1
        assert (self.billing.trial_used_at is not None) == (self.trials == 1)

    @invariant()
    def whoever_left_is_sent_nothing_whatever_the_clock_shows(self) -> None:
        if self.billing.billing_status == "canceled":
            assert not any(sends(self.billing, self.now + timedelta(days=days)) for days in (-900, 0, 900))

    @invariant()
    def nothing_is_sent_from_the_last_day_on_whether_or_not_the_job_has_run(self) -> None:
        if self.billing.cancels_at is not None and self.billing.cancels_at <= self.now:
            assert not sends(self.billing, self.now)

    @invariant()
    def whoever_pays_or_is_in_grace_and_stays_is_served(self) -> None:
        if self.billing.billing_status in {"active", "past_due"} and self.billing.cancels_at is None:
            assert sends(self.billing, self.now)

    @invariant()
    def there_is_always_a_way_on(self) -> None:
        assert possible(self.billing, self.now) or due(self.billing, self.now)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(
    st.builds(
        Billing,
        billing_status=st.sampled_from(["none", "trial", "active", "past_due", "canceled"]),
        payment_active=st.booleans(),
        trial_used_at=st.sampled_from([None, BEFORE, NOW]),
        trial_ends_at=st.sampled_from([None, BEFORE, NOW, LATER]),
        cancel_requested_at=st.sampled_from([None, BEFORE]),
        cancels_at=st.sampled_from([None, BEFORE, NOW, LATER]),
    )
)
def test_what_time_has_taken_is_written_down_in_two_steps_at_most_whatever_was_stored(billing: Billing) -> None:
    steps = 0
    while (step := due(billing, NOW)) is not None:
        billing, steps = take(billing, step, NOW), steps + 1
    assert steps <= 2
