"""A sender that the provider refuses: what it would send waits and is not lost, and one message tries it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.audit.record import Actor
from domain.delivery.receipts import Receipt, take_receipt
from domain.delivery.resolve import clear_sender
from domain.delivery.sender_flags import clear_flag, clear_outdated
from domain.queue.outcome import Cancel, Done, Snooze
from migrations.seeds.demo import ORGANIZATION_ID
from tests.domain.delivery.conftest import OWNER, Desk, Row
from tests.support.delivery_faults import Meanwhile
from tests.support.twilio_api import Reject

pytestmark = pytest.mark.integration


def flags(desk: Desk) -> list[Row]:
    return desk.connection.execute("SELECT * FROM sender_flags ORDER BY id").fetchall()


def let_probe_be_due(desk: Desk) -> None:
    desk.connection.execute("UPDATE sender_flags SET probe_at = now() - interval '1 second'")


def refuse(desk: Desk, code: int = 21606) -> UUID:
    """Have a delivery's sender refused, and return the delivery."""
    delivery = desk.ask()
    desk.twilio.will(Reject(code, 400))
    assert isinstance(desk.run(delivery), Snooze)
    return delivery


@pytest.mark.parametrize(("code", "status"), [(20003, 401), (21606, 400), (21703, 400), (30002, 400), (None, 403)])
def test_a_refused_sender_is_flagged_and_its_delivery_waits(desk: Desk, code: int | None, status: int) -> None:
    delivery = desk.ask()
    desk.twilio.will(Reject(code, status))
    outcome = desk.run(delivery)

    assert isinstance(outcome, Snooze)
    (flag,) = flags(desk)
    assert outcome.until == flag["probe_at"]
    assert timedelta(minutes=4) < flag["probe_at"] - datetime.now(UTC) <= timedelta(minutes=5)
    assert (flag["sender"], flag["late"], flag["error_code"]) == ("+15005550006", False, code and str(code))
    row, job = desk.delivery(delivery), desk.job(delivery)
    assert (row["state"], row["error_text"], desk.outcomes(delivery)) == ("pending", flag["reason"], ["rejected"])
    assert (job["state"], job["max_attempts"] - job["attempt"]) == ("scheduled", 8)
    (notice,) = desk.notices("sender_refused")
    assert notice["subject"] == f"sender_flag:{flag['id']}"
    assert "500555" not in notice["words"]
    assert [told["args"] for told in desk.jobs("delivery.sender_refused")] == [{"flag_id": str(flag["id"])}]
    assert desk.health.came_to == ["refused"]


def test_what_a_flagged_sender_would_send_waits_without_a_call_or_a_question_to_the_gate(desk: Desk) -> None:
    refuse(desk)
    waiting = [desk.ask() for _ in range(3)]
    for delivery in waiting:
        outcome = desk.run(delivery)
        assert isinstance(outcome, Snooze)
        assert (desk.attempts(delivery), desk.decisions(delivery)) == ([], [])
    assert len(desk.twilio.requests) == 1
    assert len(desk.notices("sender_refused")) == 1


def test_one_message_tries_the_sender_and_clears_it_when_it_is_taken(desk: Desk) -> None:
    refused, waiting = refuse(desk), desk.ask(to=OWNER)
    let_probe_be_due(desk)

    assert desk.run(waiting) == Done()
    (flag,) = flags(desk)
    assert (flag["cleared_at"] is None, flag["cleared_by"]) == (False, "a message that was taken")
    assert desk.notices("sender_refused") == []
    assert desk.run(refused) == Done()
    assert len(desk.twilio.messages) == 2


def test_while_one_message_tries_the_sender_the_others_wait(desk: Desk) -> None:
    refused, waiting = refuse(desk), desk.ask()
    let_probe_be_due(desk)
    desk.twilio.will(Reject(21606, 400))

    assert isinstance(desk.run(refused), Snooze)
    assert isinstance(desk.run(waiting), Snooze)
    assert len(desk.twilio.requests) == 2
    (flag,) = flags(desk)
    assert flag["probes"] == 1
    assert flag["probe_at"] - datetime.now(UTC) > timedelta(minutes=9)
    assert len(desk.jobs("delivery.sender_refused")) == 1
    (notice,) = desk.notices("sender_refused")
    assert notice["count"] == 2


def test_messages_that_were_refused_together_count_as_one_try(desk: Desk) -> None:
    first, second = desk.ask(), desk.ask("Another text.", to="+15005550002")
    desk.twilio.will(Reject(21606, 400), Reject(21606, 400))

    def meanwhile() -> None:
        assert isinstance(desk.run(second), Snooze)

    assert isinstance(desk.run(first, provider=Meanwhile(desk.provider, before=meanwhile)), Snooze)
    (flag,) = flags(desk)
    assert flag["probes"] == 0
    assert flag["probe_at"] - datetime.now(UTC) <= timedelta(minutes=5)


def test_a_sender_in_registration_is_tried_seldom(desk: Desk) -> None:
    refuse(desk, 30035)
    (flag,) = flags(desk)
    assert flag["probe_at"] - datetime.now(UTC) > timedelta(minutes=59)


def test_a_person_clears_a_flag(desk: Desk) -> None:
    delivery = refuse(desk)
    with desk.database.tenant_scope(ORGANIZATION_ID) as session:
        assert clear_flag(session, flags(desk)[0]["id"], by="ann")
    with desk.database.tenant_scope(ORGANIZATION_ID) as session:
        assert not clear_flag(session, flags(desk)[0]["id"], by="bob")

    assert desk.run(delivery) == Done()
    assert flags(desk)[0]["cleared_by"] == "ann"


def test_what_waits_is_sent_at_once_when_a_person_clears_its_flag(desk: Desk) -> None:
    refused = refuse(desk, 30035)
    with desk.database.platform_scope() as session:
        clear_sender(session, flags(desk)[0]["id"], Actor("ann", "operator"), "Registered.")
    assert desk.job(refused)["state"] == "available"
    assert desk.run(refused) == Done()


def test_another_sender_is_not_held_and_the_old_ones_flag_is_cleared(desk: Desk) -> None:
    refuse(desk)
    desk.throw("sms_number = '+15005550077'")
    assert desk.run(desk.ask(to=OWNER)) == Done()
    with desk.database.platform_scope() as session:
        assert clear_outdated(session) == 1
    assert desk.notices("sender_refused") == []


def test_a_refusal_that_comes_by_receipt_flags_the_sender_until_a_receipt_says_otherwise(desk: Desk) -> None:
    delivery = desk.ask()
    desk.run(delivery)
    tell(desk, delivery, "undelivered", "30034")
    (flag,) = flags(desk)
    assert (flag["late"], desk.delivery(delivery)["state"]) == (True, "pending")
    assert desk.jobs("delivery.failed") == []

    let_probe_be_due(desk)
    desk.connection.execute("UPDATE notification_logs SET finished_at = finished_at - interval '1 day'")
    assert desk.run(delivery) == Done()
    assert flags(desk)[0]["cleared_at"] is None
    assert isinstance(desk.run(desk.ask()), Snooze)

    desk.connection.execute("UPDATE notification_logs SET started_at = now() WHERE outcome = 'accepted'")
    tell(desk, delivery, "sent")
    assert flags(desk)[0]["cleared_by"] == "a message that was sent"
    assert desk.outcomes(delivery) == ["failed", "accepted"]


def test_a_message_from_before_the_refusal_does_not_clear_it(desk: Desk) -> None:
    before = desk.ask()
    desk.run(before)
    desk.connection.execute("UPDATE notification_logs SET started_at = now() - interval '1 minute'")
    refuse(desk)

    tell(desk, before, "delivered")
    assert flags(desk)[0]["cleared_at"] is None


def test_a_held_delivery_ends_when_its_time_is_over(desk: Desk) -> None:
    delivery = refuse(desk)
    desk.connection.execute("UPDATE deliveries SET expires_at = now() + interval '10 seconds'")
    outcome = desk.run(delivery)
    assert isinstance(outcome, Snooze)
    assert outcome.until == desk.delivery(delivery)["expires_at"]

    desk.connection.execute("UPDATE deliveries SET expires_at = now()")
    assert isinstance(desk.run(delivery), Cancel)
    row = desk.delivery(delivery)
    assert (row["state"], desk.outcomes(delivery)) == ("cancelled", ["rejected", "blocked"])
    assert row["error_text"] == "Its time was over before it could be sent; it was not sent late."
    assert len(desk.jobs("delivery.failed")) == 1


def tell(desk: Desk, delivery: UUID, status: str, code: str | None = None) -> None:
    attempt = desk.attempts(delivery)[-1]
    take_receipt(desk.database, Receipt(attempt["provider_id"], status, code, attempt["id"]))
