"""How deliveries end: whoever has to know is told, and what a person gave up stays given up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import pytest

from domain.audit.record import Actor
from domain.delivery.policy import SEND_TRIES
from domain.delivery.ports import Accepted, OutgoingSms, Report, SmsProvider
from domain.delivery.receipts import Receipt, take_receipt
from domain.delivery.resolve import Resolution, resolve_delivery
from domain.queue.outcome import Cancel, Dead, Done
from tests.domain.delivery.conftest import CUSTOMER, OWNER, Desk
from tests.support.twilio_api import AcceptThenHang, Hang, Reject

pytestmark = pytest.mark.integration
GIVE_UP = Resolution("give_up", "The customer was called.")


class WhileLookedFor:
    """An SmsProvider during whose look for a lost message something else happens."""

    def __init__(self, inner: SmsProvider, happens: Callable[[], object]) -> None:
        self._inner = inner
        self._happens = happens
        self.name = inner.name
        self.account = inner.account

    def send(self, sms: OutgoingSms) -> Accepted:
        return self._inner.send(sms)

    def find(self, sms: OutgoingSms, since: datetime) -> Sequence[Accepted]:
        found = self._inner.find(sms, since)
        self._happens()
        return found

    def fetch(self, provider_id: str) -> Report | None:
        return self._inner.fetch(provider_id)


def give_up(desk: Desk, delivery: UUID) -> None:
    with desk.database.platform_scope() as session:
        resolve_delivery(session, delivery, GIVE_UP, Actor("ann", "operator"))


def told(desk: Desk) -> list[str]:
    return [job["args"]["delivery_id"] for job in desk.jobs("delivery.failed")]


@pytest.mark.parametrize("code", [21408, 21617, 29999])
def test_what_fails_for_good_is_told_of_even_when_it_waits_for_an_operator(desk: Desk, code: int) -> None:
    delivery = desk.ask()
    desk.twilio.will(Reject(code, 400))
    assert isinstance(desk.run(delivery), Dead)
    assert desk.delivery(delivery)["state"] == "failed"
    assert told(desk) == [str(delivery)]


def test_an_alert_whose_tries_are_used_up_is_told_of_so_that_it_goes_otherwise(desk: Desk) -> None:
    delivery = desk.ask(purpose="owner_alert", to=OWNER)
    desk.twilio.will(*[Reject(21611, 400)] * SEND_TRIES)
    for _ in range(SEND_TRIES - 1):
        desk.run(delivery)
        assert told(desk) == []
    assert isinstance(desk.run(delivery), Dead)
    assert told(desk) == [str(delivery)]


def test_a_text_of_a_client_without_a_sender_is_told_of(desk: Desk) -> None:
    desk.throw("sms_number = NULL, messaging_service_sid = NULL")
    delivery = desk.ask()
    assert isinstance(desk.run(delivery), Dead)
    assert told(desk) == [str(delivery)]


def test_what_is_given_up_while_it_is_looked_for_is_not_sent_again(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(Hang())
    desk.run(delivery)
    desk.wait(30)
    provider = WhileLookedFor(desk.provider, lambda: give_up(desk, delivery))
    assert isinstance(desk.run(delivery, provider=provider), Cancel)
    assert (desk.delivery(delivery)["state"], desk.twilio.messages) == ("cancelled", [])


def test_what_is_given_up_while_it_is_found_was_sent(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(AcceptThenHang())
    desk.run(delivery)
    desk.wait(30)
    provider = WhileLookedFor(desk.provider, lambda: give_up(desk, delivery))
    assert isinstance(desk.run(delivery, provider=provider), Done)
    row = desk.delivery(delivery)
    assert (row["state"], row["provider_id"]) == ("accepted", desk.twilio.messages[0].sid)


def test_what_is_given_up_is_not_sent_again_when_it_turns_out_that_it_failed(desk: Desk) -> None:
    delivery = desk.ask(to=CUSTOMER)
    desk.twilio.will(AcceptThenHang())
    desk.run(delivery)
    give_up(desk, delivery)
    (sent,), (attempt,) = desk.twilio.messages, desk.attempts(delivery)
    take_receipt(desk.database, Receipt(sent.sid, "undelivered", "30003", attempt["id"]))
    assert desk.delivery(delivery)["state"] == "undelivered"
    assert isinstance(desk.run(delivery), Done)
    assert len(desk.twilio.messages) == 1


def test_what_is_unknown_after_the_last_try_is_looked_for_all_the_same(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(*[Reject(21611, 400)] * (SEND_TRIES - 1), AcceptThenHang())
    for _ in range(SEND_TRIES):
        desk.run(delivery)
    assert desk.job(delivery)["state"] != "dead"
    desk.wait(30)
    assert desk.run(delivery) == Done()
    assert (desk.delivery(delivery)["provider_id"], told(desk)) == (desk.twilio.messages[0].sid, [])


def test_what_was_not_sent_by_the_last_try_is_a_dead_letter(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(*[Reject(21611, 400)] * (SEND_TRIES - 1), Hang())
    for _ in range(SEND_TRIES):
        desk.run(delivery)
    desk.wait(30)
    assert isinstance(desk.run(delivery), Dead)
    assert (desk.delivery(delivery)["state"], desk.twilio.messages) == ("failed", [])
    assert told(desk) == [str(delivery)]


def test_a_message_that_a_clock_in_advance_sent_is_found(desk: Desk) -> None:
    delivery = desk.ask()
    desk.connection.execute("UPDATE deliveries SET created_at = %s WHERE id = %s", [desk.clock.now(), delivery])
    desk.twilio.will(AcceptThenHang())
    desk.run(delivery)
    desk.connection.execute("UPDATE notification_logs SET started_at = started_at + interval '10 minutes'")
    desk.wait(700)
    assert desk.run(delivery) == Done()
    assert (desk.delivery(delivery)["provider_id"], len(desk.twilio.messages)) == (desk.twilio.messages[0].sid, 1)
