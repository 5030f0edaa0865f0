"""A person decides what the provider can't tell; a report that comes after all settles it without one."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.audit.record import Actor
from domain.delivery.receipts import Receipt, take_receipt
from domain.delivery.resolve import (
    Decision,
    NoSuchDeliveryError,
    NothingToDecideError,
    Resolution,
    resolve_delivery,
)
from domain.kernel.ids import new_id
from domain.queue.outcome import Cancel, Done, Snooze
from tests.domain.delivery.conftest import CUSTOMER, Desk, Row
from tests.support.twilio_api import AcceptThenHang, Hang, Reject

pytestmark = pytest.mark.integration
ANN = Actor("ann", "operator")


def decide(desk: Desk, delivery: UUID, decision: Decision, reason: str = "Looked it up at Twilio.") -> str:
    with desk.database.platform_scope() as session:
        return resolve_delivery(session, delivery, Resolution(decision, reason), ANN)


def audited(desk: Desk) -> list[Row]:
    return desk.connection.execute("SELECT * FROM admin_audit_logs ORDER BY id").fetchall()


@pytest.fixture
def lost(desk: Desk) -> UUID:
    """Lose a delivery's answer with a provider that can't tell, until a person is asked."""
    delivery = desk.ask()
    desk.twilio.will(Hang())
    desk.run(delivery)
    desk.twilio.refuse_lists(Reject(20503, 503))
    desk.wait(25 * 3600)
    assert isinstance(desk.run(delivery), Done)
    assert len(desk.notices("outcome_unknown")) == 1
    desk.twilio.refuse_lists(None)
    return delivery


def test_what_was_sent_after_all_is_not_sent_again(desk: Desk, lost: UUID) -> None:
    assert decide(desk, lost, "sent") == "sent"
    row = desk.delivery(lost)
    assert (row["state"], row["asked_person_at"], desk.outcomes(lost)) == ("sent", None, ["accepted"])
    assert desk.notices("outcome_unknown") == []
    desk.connection.execute("UPDATE jobs SET state = 'available', finished_at = NULL WHERE kind = 'delivery.send'")
    assert isinstance(desk.run(lost), Done)
    assert desk.twilio.messages == []


def test_what_was_not_sent_is_sent_now(desk: Desk, lost: UUID) -> None:
    assert decide(desk, lost, "resend") == "pending"
    assert desk.run(lost) == Done()
    assert (desk.outcomes(lost), len(desk.twilio.messages)) == (["not_sent", "accepted"], 1)


def test_what_is_given_up_stays_unsent_and_is_told_of(desk: Desk, lost: UUID) -> None:
    assert decide(desk, lost, "give_up", f"Called {CUSTOMER} instead.") == "cancelled"
    row = desk.delivery(lost)
    assert row["error_text"].startswith("A person gave it up: Called ")
    assert CUSTOMER not in row["error_text"]
    assert len(desk.jobs("delivery.failed")) == 1


def test_a_decision_is_on_record(desk: Desk, lost: UUID) -> None:
    decide(desk, lost, "sent")
    (entry,) = audited(desk)
    assert (entry["action"], entry["target_id"], entry["reason"]) == (
        "delivery.resolve",
        str(lost),
        "Looked it up at Twilio.",
    )
    assert (entry["before"], entry["after"]) == ({"state": "unknown"}, {"state": "sent", "decision": "sent"})


def test_a_report_settles_it_without_a_person(desk: Desk, lost: UUID) -> None:
    (attempt,) = desk.attempts(lost)
    take_receipt(desk.database, Receipt("SM" + lost.hex, "delivered", None, attempt["id"]))

    row = desk.delivery(lost)
    assert (row["state"], row["asked_person_at"]) == ("delivered", None)
    assert desk.notices("outcome_unknown") == []
    with pytest.raises(NothingToDecideError):
        decide(desk, lost, "resend")


def test_a_job_that_is_run_once_more_finds_out_and_closes_the_notice(desk: Desk, lost: UUID) -> None:
    desk.connection.execute("UPDATE jobs SET state = 'available', finished_at = NULL WHERE kind = 'delivery.send'")
    assert desk.run(lost) == Done()
    assert desk.notices("outcome_unknown") == []
    assert (desk.outcomes(lost), desk.delivery(lost)["asked_person_at"]) == (["not_sent", "accepted"], None)


def test_a_report_after_a_decision_is_still_taken(desk: Desk, lost: UUID) -> None:
    decide(desk, lost, "give_up")
    (attempt,) = desk.attempts(lost)
    take_receipt(desk.database, Receipt("SM" + lost.hex, "delivered", None, attempt["id"]))
    assert desk.delivery(lost)["state"] == "delivered"


def test_an_impatient_person_is_obeyed_at_once(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(AcceptThenHang())
    desk.run(delivery)
    desk.wait(30)
    desk.twilio.refuse_lists(Reject(20503, 503))
    assert isinstance(desk.run(delivery), Snooze)

    decide(desk, delivery, "resend")
    assert desk.job(delivery)["state"] == "available"
    assert len(desk.jobs("delivery.send")) == 1
    assert desk.run(delivery) == Done()


def test_what_waits_can_be_given_up(desk: Desk) -> None:
    delivery = desk.ask()
    assert decide(desk, delivery, "give_up") == "cancelled"
    assert isinstance(desk.run(delivery), Cancel)
    assert desk.twilio.requests == []


@pytest.mark.parametrize("decision", ["sent", "resend", "give_up"])
def test_there_is_nothing_to_decide_about_what_was_taken(desk: Desk, decision: Decision) -> None:
    delivery = desk.ask()
    desk.run(delivery)
    with pytest.raises(NothingToDecideError):
        decide(desk, delivery, decision)
    assert audited(desk) == []


def test_there_is_nothing_to_decide_about_nothing(desk: Desk) -> None:
    with pytest.raises(NoSuchDeliveryError):
        decide(desk, new_id(), "sent")
