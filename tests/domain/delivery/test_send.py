"""Sending, one run at a time, from a real queue to a double of Twilio."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

import pytest

from domain.delivery.errors import UndeliverableError
from domain.delivery.policy import SEND_TRIES, SETTLING
from domain.delivery.receipts import Receipt, take_receipt
from domain.delivery.request import Purpose
from domain.queue.finish import RunLostError
from domain.queue.outcome import Cancel, Dead, Done, Retry, Snooze
from tests.domain.delivery.conftest import CUSTOMER, OWNER, PUBLIC_URL, Desk
from tests.support.delivery_faults import Meanwhile, WorkerDied, die
from tests.support.twilio_api import AcceptThenDrop, AcceptThenFail, AcceptThenHang, Hang, Reject

pytestmark = pytest.mark.integration

LOST_ANSWERS = [AcceptThenHang(), AcceptThenDrop(), AcceptThenFail()]


def test_a_delivery_is_sent_once_and_every_step_is_on_record(desk: Desk) -> None:
    delivery = desk.ask()
    assert desk.run(delivery) == Done()

    (sent,) = desk.twilio.messages
    (attempt,) = desk.attempts(delivery)
    assert dict(sent.fields) == {
        "To": CUSTOMER,
        "From": "+15005550006",
        "Body": "We open at 8.",
        "StatusCallback": f"{PUBLIC_URL}/webhooks/twilio/status?attempt={attempt['id']}",
    }
    assert (attempt["attempt"], attempt["provider"], attempt["outcome"]) == (1, "twilio", "accepted")
    assert attempt["provider_id"] == sent.sid
    row = desk.delivery(delivery)
    assert (row["state"], row["provider_id"], row["attempts"], row["provider"]) == ("accepted", sent.sid, 1, "twilio")
    assert [(d["guard"], d["allowed"]) for d in desk.decisions(delivery)] == [("can_process_customer_message", True)]
    assert desk.job(delivery)["state"] == "completed"


def test_a_delivery_that_a_provider_has_is_never_sent_again(desk: Desk) -> None:
    delivery = desk.ask()
    desk.run(delivery)
    desk.connection.execute("UPDATE jobs SET state = 'available', finished_at = NULL")

    assert isinstance(desk.run(delivery), Done)
    assert len(desk.twilio.messages) == 1


@pytest.mark.parametrize(
    ("purpose", "to", "switch", "guard"),
    [
        ("reply", CUSTOMER, "outbound_paused = true", "can_send_sms"),
        ("fallback", CUSTOMER, "outbound_paused = true", "can_send_sms"),
        ("owner_alert", OWNER, "outbound_paused = true", "can_send_notification"),
        ("owner_alert", OWNER, "notifications_paused = true", "can_send_notification"),
        ("reply", CUSTOMER, "ai_disabled = true", "should_use_ai"),
        ("reply", CUSTOMER, "cancels_at = now() - interval '400 days'", "not_cancelled"),
        ("fallback", CUSTOMER, "billing_status = 'canceled'", "not_cancelled"),
    ],
)
def test_a_switch_thrown_before_the_send_stops_it(
    desk: Desk, purpose: Purpose, to: str, switch: str, guard: str
) -> None:
    delivery = desk.ask(purpose=purpose, to=to)
    desk.throw(switch)
    outcome = desk.run(delivery)

    assert isinstance(outcome, Cancel)
    assert desk.twilio.requests == []
    assert (desk.delivery(delivery)["state"], desk.outcomes(delivery)) == ("cancelled", ["blocked"])
    decision = desk.decisions(delivery)[-1]
    assert (decision["guard"], decision["allowed"], decision["reason"]) == (guard, False, outcome.reason)
    assert desk.delivery(delivery)["error_text"] == outcome.reason
    assert desk.job(delivery)["state"] == "cancelled"


@pytest.mark.parametrize(("purpose", "to"), [("reply", CUSTOMER), ("fallback", CUSTOMER), ("owner_alert", OWNER)])
def test_nobody_is_written_to_who_opted_out(desk: Desk, purpose: Purpose, to: str) -> None:
    delivery = desk.ask(purpose=purpose, to=to)
    desk.connection.execute(
        "INSERT INTO opt_outs (id, org_id, client_id, channel, address, source)"
        " SELECT gen_random_uuid(), org_id, id, 'sms', %s, 'keyword' FROM clients",
        [to],
    )
    assert isinstance(desk.run(delivery), Cancel)
    assert desk.twilio.requests == []


def test_a_fallback_is_sent_though_automatic_replies_are_off(desk: Desk) -> None:
    delivery = desk.ask(purpose="fallback")
    desk.throw("ai_disabled = true")
    assert desk.run(delivery) == Done()


def test_a_text_that_nobody_asked_for_waits_until_quiet_hours_end(desk: Desk) -> None:
    delivery = desk.ask(direct_reply=False)
    desk.clock.set(desk.clock.now().replace(hour=6) + timedelta(days=1))  # the queue's own time is the database's
    outcome = desk.run(delivery)

    assert isinstance(outcome, Snooze)
    assert outcome.until - desk.clock.now() <= timedelta(hours=8)
    assert (desk.attempts(delivery), desk.delivery(delivery)["state"]) == ([], "pending")
    assert desk.job(delivery)["run_at"] == outcome.until

    desk.clock.set(outcome.until)
    assert desk.run(delivery) == Done()


def test_a_client_without_a_sender_is_an_operators_matter(desk: Desk) -> None:
    delivery = desk.ask()
    desk.throw("sms_number = NULL")

    assert isinstance(desk.run(delivery), Dead)
    assert (desk.delivery(delivery)["state"], desk.outcomes(delivery)) == ("failed", ["not_sent"])


def test_a_transient_error_is_retried_when_the_provider_says(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(Reject(20429, 429, "Too Many Requests", retry_after="40"))
    outcome = desk.run(delivery)

    assert outcome == Retry("Twilio has too many requests of ours at once.", timedelta(seconds=40), "retry")
    assert desk.job(delivery)["state"] == "retryable"
    assert desk.delivery(delivery)["state"] == "pending"

    assert desk.run(delivery) == Done()
    assert desk.outcomes(delivery) == ["rejected", "accepted"]
    row = desk.delivery(delivery)
    assert (row["state"], row["error_code"], row["error_text"]) == ("accepted", None, None)


def test_a_provider_that_stays_busy_makes_a_dead_letter_at_last(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(*[Reject(21611, 400)] * SEND_TRIES)
    outcomes = [desk.run(delivery) for _ in range(SEND_TRIES)]

    assert [type(outcome) for outcome in outcomes] == [Retry] * (SEND_TRIES - 1) + [Dead]
    assert (desk.delivery(delivery)["state"], desk.job(delivery)["state"]) == ("failed", "dead")

    # An operator requeues it.
    desk.connection.execute("UPDATE jobs SET state = 'available', attempt = 0, max_attempts = %s", [SEND_TRIES])
    assert desk.run(delivery) == Done()
    assert desk.delivery(delivery)["state"] == "accepted"


def test_an_error_of_few_tries_is_tried_a_few_times(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(*[Reject(30008, 400)] * 3)
    assert [type(desk.run(delivery)) for _ in range(3)] == [Retry, Retry, Dead]


@pytest.mark.parametrize(
    ("code", "status", "outcome", "error_class"),
    [
        (21211, 400, Done, "recipient"),
        (21614, 400, Done, "recipient"),
        (30007, 400, Done, "never"),
        (21408, 400, Dead, "region"),
        (29999, 400, Dead, "unclassified"),
    ],
)
def test_a_permanent_error_stops_and_says_why(
    desk: Desk, code: int, status: int, outcome: type[Done | Dead], error_class: str
) -> None:
    delivery = desk.ask()
    desk.twilio.will(Reject(code, status, f"{CUSTOMER} is not good enough for 'We open at 8.'"))
    assert isinstance(desk.run(delivery), outcome)

    row = desk.delivery(delivery)
    (attempt,) = desk.attempts(delivery)
    assert (row["state"], row["error_code"]) == ("failed", str(code))
    assert (attempt["outcome"], attempt["error_code"], attempt["error_class"]) == ("rejected", str(code), error_class)
    for said in (row["error_text"], attempt["error_text"], desk.job(delivery)["last_error"] or ""):
        assert "5005550001" not in said
        assert "We open" not in said
    assert row["error_text"].startswith("The ") or row["error_text"].startswith("Twilio ")


def test_a_refusal_for_an_opt_out_is_an_opt_out(desk: Desk) -> None:
    desk.twilio.will(Reject(21610, 400, "Attempt to send to unsubscribed recipient"))
    assert isinstance(desk.run(desk.ask()), Done)
    assert desk.opted_out() == [(CUSTOMER, "provider")]

    assert isinstance(desk.run(desk.ask()), Cancel)
    assert len(desk.twilio.requests) == 1


@pytest.mark.parametrize("behaviour", LOST_ANSWERS)
def test_a_lost_answer_is_looked_for_and_found(
    desk: Desk, behaviour: AcceptThenHang | AcceptThenDrop | AcceptThenFail
) -> None:
    delivery = desk.ask()
    desk.twilio.will(behaviour)
    outcome = desk.run(delivery)
    assert isinstance(outcome, Retry)
    assert outcome.after == SETTLING
    assert (desk.delivery(delivery)["state"], desk.outcomes(delivery)) == ("unknown", ["unknown"])

    desk.wait(5)
    early = desk.run(delivery)
    assert isinstance(early, Snooze)
    assert desk.twilio.requests[-1].method == "POST"

    desk.clock.set(early.until)
    assert isinstance(desk.run(delivery), Done)
    assert (desk.delivery(delivery)["state"], desk.outcomes(delivery)) == ("accepted", ["accepted"])
    assert desk.delivery(delivery)["provider_id"] == desk.twilio.messages[0].sid
    assert len(desk.twilio.messages) == 1


def test_a_server_error_that_names_a_time_is_looked_into_no_earlier(desk: Desk) -> None:
    desk.twilio.will(Reject(20503, 503, "Service unavailable", retry_after="90"))
    outcome = desk.run(desk.ask())
    assert isinstance(outcome, Retry)
    assert outcome.after == timedelta(seconds=90)


def test_a_lost_request_is_sent_again_once_the_provider_says_that_it_has_none(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(Hang())
    desk.run(delivery)
    desk.wait(30)

    assert desk.run(delivery) == Done()
    assert desk.outcomes(delivery) == ["not_sent", "accepted"]
    assert len(desk.twilio.messages) == 1


def test_the_gate_is_asked_again_before_a_second_attempt(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(Hang())
    desk.run(delivery)
    desk.wait(30)
    desk.throw("outbound_paused = true")

    assert isinstance(desk.run(delivery), Cancel)
    assert desk.outcomes(delivery) == ["not_sent", "blocked"]
    assert desk.twilio.messages == []


def test_a_receipt_proves_acceptance_so_nobody_is_asked(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(AcceptThenHang())
    desk.run(delivery)
    (attempt,) = desk.attempts(delivery)
    take_receipt(desk.database, Receipt(desk.twilio.messages[0].sid, "delivered", None, attempt["id"]))
    desk.wait(30)

    assert isinstance(desk.run(delivery), Done)
    assert [request.method for request in desk.twilio.requests] == ["POST"]
    assert (desk.delivery(delivery)["state"], desk.outcomes(delivery)) == ("delivered", ["accepted"])


def test_a_receipt_may_come_before_the_answer_is_lost(desk: Desk) -> None:
    delivery = desk.ask()

    def report() -> None:
        (attempt,) = desk.attempts(delivery)
        take_receipt(desk.database, Receipt(desk.twilio.messages[0].sid, "sent", None, attempt["id"]))
        raise RuntimeError

    assert isinstance(desk.run(delivery, provider=Meanwhile(desk.provider, after=report)), Done)
    assert (desk.delivery(delivery)["state"], desk.outcomes(delivery)) == ("sent", ["accepted"])


def test_a_worker_that_dies_after_the_call_leaves_nothing_to_send_again(desk: Desk) -> None:
    delivery = desk.ask()
    run = desk.claim(delivery)
    with pytest.raises(WorkerDied):
        desk.send(run, provider=Meanwhile(desk.provider, after=die))
    desk.lose(run)
    assert desk.outcomes(delivery) == ["sending"]

    assert isinstance(desk.run(delivery), Snooze)
    assert desk.outcomes(delivery) == ["unknown"]
    desk.wait(30)
    assert isinstance(desk.run(delivery), Done)
    assert len(desk.twilio.messages) == 1


def test_a_worker_that_was_paused_before_the_call_does_not_call(desk: Desk) -> None:
    delivery = desk.ask()
    paused: list[bool] = []

    def pause(_: MutableMapping[Any, Any]) -> None:
        if not paused:
            paused.append(True)
            desk.wait(30)

    desk.database.on_commit(pause)
    assert isinstance(desk.run(delivery), Snooze)
    assert (desk.twilio.requests, desk.outcomes(delivery)) == ([], ["not_sent"])

    assert desk.run(delivery) == Done()
    assert len(desk.twilio.messages) == 1


def test_what_a_provider_took_is_on_record_even_when_the_run_was_lost(desk: Desk) -> None:
    delivery = desk.ask()
    run = desk.claim(delivery)
    with pytest.raises(RunLostError):
        desk.send(run, provider=Meanwhile(desk.provider, after=lambda: desk.lose(run)))

    assert (desk.delivery(delivery)["state"], desk.outcomes(delivery)) == ("accepted", ["accepted"])
    assert isinstance(desk.run(delivery), Done)
    assert len(desk.twilio.messages) == 1


def test_the_message_of_another_delivery_is_not_taken_for_ours(desk: Desk) -> None:
    first, second = desk.ask("Thanks!"), desk.ask("Thanks!")
    desk.run(first)
    desk.twilio.will(Hang())
    desk.run(second)
    desk.wait(30)

    assert desk.run(second) == Done()
    assert len(desk.twilio.messages) == 2
    assert desk.delivery(first)["provider_id"] != desk.delivery(second)["provider_id"]


def test_the_same_text_under_way_is_waited_for(desk: Desk) -> None:
    first, second = desk.ask("Thanks!"), desk.ask("Thanks!")
    desk.twilio.will(Hang())
    desk.run(first)
    desk.wait(30)
    desk.age(first)

    def look_for_first() -> None:
        assert isinstance(desk.run(first), Snooze)

    desk.run(second, provider=Meanwhile(desk.provider, after=look_for_first))
    desk.wait(10)

    assert desk.run(first) == Done()
    assert len(desk.twilio.messages) == 2


def test_a_provider_that_cannot_tell_leaves_it_to_a_person(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(AcceptThenHang())
    desk.run(delivery)
    desk.wait(30)
    desk.twilio.refuse_lists(Reject(20503, 503))
    waits = []
    while isinstance(outcome := desk.run(delivery), Snooze):
        waits.append(outcome.until - desk.clock.now())
        desk.clock.set(outcome.until)

    assert waits == sorted(waits[:-1]) + waits[-1:]
    assert 50 < len(waits) < 100
    assert isinstance(outcome, Done)
    row = desk.delivery(delivery)
    assert (row["state"], row["asked_person_at"] is None) == ("unknown", False)
    assert len(desk.twilio.messages) == 1
    (notice,) = desk.notices("outcome_unknown")
    assert f"gatehouse deliveries resolve {delivery}" in notice["words"]
    assert desk.job(delivery)["max_attempts"] - desk.job(delivery)["attempt"] == SEND_TRIES - 2


@pytest.mark.parametrize(
    ("to", "body"), [("5005550001", "x"), ("+0123456789", "x"), (CUSTOMER, " "), (CUSTOMER, "x" * 1601)]
)
def test_what_no_provider_would_take_is_refused_when_it_is_asked_for(desk: Desk, to: str, body: str) -> None:
    with pytest.raises(UndeliverableError):
        desk.ask(body, to=to)
