"""Texts to one person arrive in the order in which they were written."""

from __future__ import annotations

import pytest

from domain.delivery.ordering import WAITS_FOR_EARLIER
from domain.queue.outcome import Done, Outcome, Retry, Snooze
from tests.domain.delivery.conftest import OWNER, Desk
from tests.support.twilio_api import Reject

pytestmark = pytest.mark.integration


def _waits(outcome: Outcome) -> bool:
    return isinstance(outcome, Snooze) and outcome.reason == WAITS_FOR_EARLIER


def test_a_reply_does_not_overtake_one_that_is_tried_again(desk: Desk) -> None:
    first, second = desk.ask("First."), desk.ask("Second.")
    desk.twilio.will(Reject(20429, 429))
    assert isinstance(desk.run(first), Retry)
    assert _waits(desk.run(second))
    desk.wait(3)
    assert isinstance(desk.run(first), Done)
    assert isinstance(desk.run(second), Done)
    assert [message.body for message in desk.twilio.messages] == ["First.", "Second."]


def test_a_reply_does_not_wait_for_texts_to_others_or_for_alerts(desk: Desk) -> None:
    desk.ask("To somebody else.", to=OWNER)
    desk.ask("Alert.", purpose="owner_alert")
    assert isinstance(desk.run(desk.ask("Reply.")), Done)


def test_a_reply_waits_two_minutes_at_most(desk: Desk) -> None:
    first, second = desk.ask("Stuck."), desk.ask("Second.")
    assert _waits(desk.run(second))
    desk.age(first)
    assert isinstance(desk.run(second), Done)


def test_an_answer_does_not_wait_for_what_may_leave_in_the_morning(desk: Desk) -> None:
    desk.ask("Good night.", direct_reply=False)
    assert isinstance(desk.run(desk.ask("An answer.")), Done)
