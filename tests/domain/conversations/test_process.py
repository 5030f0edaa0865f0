"""What becomes of a contact's texts: on a real queue and database, with a composer that says what it was asked."""

from __future__ import annotations

import pytest

from domain.conversations.accept import Inbound
from domain.conversations.messages import Channel
from domain.conversations.thread import LeaseLostError
from domain.queue.outcome import Cancel, Done, Outcome, Snooze
from migrations.seeds.demo import OWNER_PHONE
from tests.domain.conversations.conftest import CUSTOMER, House

pytestmark = pytest.mark.integration


def test_a_text_is_answered_and_the_reply_is_on_its_way(house: House) -> None:
    message = house.receive("What does a drain cost?")

    assert house.handle(message) == Done("answer")

    (reply,) = house.replies()
    assert (reply["body"], reply["author"], reply["address"]) == ("You asked: What does a drain cost?", "ai", CUSTOMER)
    assert reply["correlation_id"] == message.correlation_id
    (delivery,) = house.deliveries()
    assert (delivery["purpose"], delivery["to_address"], delivery["direct_reply"]) == ("reply", CUSTOMER, True)
    assert delivery["message_id"] == reply["id"]
    (stored,) = house.rows("SELECT * FROM messages WHERE direction = 'in'")
    assert (stored["outcome"], stored["answered_by"]) == ("answered", reply["id"])
    assert house.job(message)["state"] == "completed"
    assert [row["kind"] for row in house.rows("SELECT kind FROM jobs WHERE state = 'available'")] == ["delivery.send"]
    assert house.signal.conversations == [reply["conversation_id"]]
    assert house.rows("SELECT processing_job_id FROM conversations") == [{"processing_job_id": None}]


def test_a_burst_gets_one_reply_in_order(house: House) -> None:
    messages = [house.receive(text) for text in ("Hi", "do you fix boilers?", "and when?")]

    outcomes = [house.handle(message) for message in messages]

    assert outcomes == [Done("answer"), Done("Nothing was left to answer."), Done("Nothing was left to answer.")]
    (reply,) = house.replies()
    assert reply["body"] == "You asked: Hi\ndo you fix boilers?\nand when?"
    answered = house.rows("SELECT DISTINCT answered_by FROM messages WHERE direction = 'in'")
    assert answered == [{"answered_by": reply["id"]}]


def test_two_jobs_never_answer_one_contact_at_once(house: House) -> None:
    first, second = house.receive("one"), house.receive("two")
    seen: list[Outcome] = []
    house.composer.meanwhile = lambda: seen.append(house.handle(second))

    assert house.handle(first) == Done("answer")

    (snoozed,) = seen
    assert isinstance(snoozed, Snooze)
    assert house.job(second)["max_attempts"] == house.job(first)["max_attempts"] + 1
    house.composer.meanwhile = lambda: None
    assert house.handle(second) == Done("Nothing was left to answer.")
    assert len(house.replies()) == 1


def test_what_arrives_while_composing_is_answered_next(house: House) -> None:
    first = house.receive("one")
    later: list[Inbound] = []
    house.composer.meanwhile = lambda: later.append(house.receive("two"))
    house.handle(first)
    house.composer.meanwhile = lambda: None

    assert house.handle(later[0]) == Done("answer")
    assert [reply["body"] for reply in house.replies()] == ["You asked: one", "You asked: two"]
    assert [turn.text for turn in house.composer.asked[1].history] == ["one", "You asked: one"]


def test_a_job_that_lost_its_lease_stores_nothing(house: House) -> None:
    message = house.receive("one")
    house.composer.meanwhile = lambda: house.connection.execute("UPDATE conversations SET processing_job_id = id")

    with pytest.raises(LeaseLostError):
        house.handle(message)

    assert house.replies() == []
    assert house.job(message)["state"] == "executing"


def test_a_rescued_job_takes_its_own_lease_up_again(house: House) -> None:
    message = house.receive("one")
    run = house.claim(message)

    class KilledError(BaseException):
        """The worker is gone."""

    def kill() -> None:
        raise KilledError

    house.composer.meanwhile = kill
    with pytest.raises(KilledError):
        house.process(run)
    house.composer.meanwhile = lambda: None
    house.connection.execute("UPDATE jobs SET state = 'available'")

    assert house.handle(message) == Done("answer")
    assert len(house.replies()) == 1


def test_stop_is_obeyed_and_never_answered(house: House) -> None:
    assert house.handle(house.receive(" Stop ")) == Done("Nothing was left to answer.")
    assert isinstance(house.handle(house.receive("are you there?")), Cancel)
    assert house.outcomes() == ["opted_out", "suppressed"]
    assert house.replies() == []
    assert house.rows("SELECT source FROM opt_outs") == [{"source": "keyword"}]


def test_start_lets_us_write_again(house: House) -> None:
    house.handle(house.receive("STOP"))
    house.handle(house.receive("start"))

    assert house.handle(house.receive("what now?")) == Done("answer")
    assert house.outcomes() == ["opted_out", "opted_in", "answered"]


def test_yes_is_an_answer_unless_it_opts_back_in(house: House) -> None:
    assert house.handle(house.receive("Yes")) == Done("answer")


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_a_hard_block_suppresses_and_says_why(house: House, channel: Channel) -> None:
    house.throw("outbound_paused = true")
    message = house.receive("hello", channel)

    outcome = house.handle(message)

    assert outcome == Cancel("The gate blocked the reply: Everything outbound is paused for this client.")
    assert (house.replies(), house.deliveries(), house.outcomes()) == ([], [], ["suppressed"])
    (decision,) = house.rows("SELECT * FROM guard_logs")
    assert (decision["allowed"], decision["block"], decision["correlation_id"]) == (
        False,
        "hard",
        message.correlation_id,
    )


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_a_switch_thrown_while_composing_still_stops_the_reply(house: House, channel: Channel) -> None:
    house.composer.meanwhile = lambda: house.throw("outbound_paused = true")

    assert isinstance(house.handle(house.receive("hello", channel)), Cancel)
    assert (house.replies(), house.outcomes()) == ([], ["suppressed"])
    *earlier, last = house.rows("SELECT allowed, guard FROM guard_logs ORDER BY id")
    assert all(decision["allowed"] for decision in earlier)
    assert (last["allowed"], last["guard"]) == (False, "can_send_sms")


def test_a_soft_block_sends_the_fallback_and_alerts_the_owner(house: House) -> None:
    house.throw("ai_disabled = true")

    house.handle(house.receive("my pipe burst"))

    assert house.composer.asked == []
    fallback, alert = house.deliveries()
    assert (fallback["purpose"], fallback["to_address"]) == ("fallback", CUSTOMER)
    assert (alert["purpose"], alert["to_address"]) == ("owner_alert", OWNER_PHONE)
    assert "my pipe burst" in alert["body"]
    assert CUSTOMER in alert["body"]


def test_ai_that_is_turned_off_while_composing_leaves_the_fallback(house: House) -> None:
    house.composer.meanwhile = lambda: house.throw("ai_disabled = true")

    house.handle(house.receive("hello"))

    (reply,) = house.replies()
    assert reply["author"] == "system"
    assert "You asked" not in reply["body"]


def test_an_offered_call_back_alerts_the_owner_unless_notifications_are_paused(house: House) -> None:
    house.composer.kind = "call_back"
    house.handle(house.receive("something odd"))
    house.throw("notifications_paused = true")
    house.handle(house.receive("something odd again"))

    assert [delivery["purpose"] for delivery in house.deliveries()] == ["reply", "owner_alert", "reply"]


def test_a_web_visitor_gets_the_reply_in_the_thread_and_no_text(house: House) -> None:
    house.handle(house.receive("hello", "web", "visitor-1"))

    assert len(house.replies()) == 1
    assert house.deliveries() == []


def test_the_booking_address_is_handed_on_only_when_the_gate_allows_it(house: House) -> None:
    house.handle(house.receive("can I book?"))
    house.throw("booking_url = 'http://plain.example.com'")
    house.handle(house.receive("can I book now?"))

    first, second = house.composer.asked
    assert first.booking_url == "https://booking.example.com/harbor-plumbing"
    assert second.booking_url is None


@pytest.mark.parametrize("sender", ["72345", "whatsapp:+15005550001", "HARBOR"])
def test_a_sender_that_cannot_be_written_to_is_put_aside(house: House, sender: str) -> None:
    outcome = house.handle(house.receive("your code is 1234", address=sender))

    assert outcome == Cancel("Its sender has no telephone number that could be written to.")
    assert (house.replies(), house.deliveries(), house.outcomes()) == ([], [], ["suppressed"])
