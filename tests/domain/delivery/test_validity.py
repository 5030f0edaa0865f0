"""A message is of use for a while: it is sent within that, or not at all; and what it is made of is on record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.delivery.errors import UndeliverableError
from domain.delivery.request import NewDelivery, Purpose, request_delivery
from domain.queue.outcome import Cancel, Done, Retry, Snooze
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.domain.delivery.conftest import CUSTOMER, OWNER, Desk
from tests.support.twilio_api import Hang

pytestmark = pytest.mark.integration


def limit(desk: Desk, minutes: int | None) -> None:
    desk.connection.execute("UPDATE client_settings SET sms_validity_minutes = %s", [minutes])


def test_a_text_has_no_limit_unless_one_is_set(desk: Desk) -> None:
    delivery = desk.ask()
    assert desk.delivery(delivery)["expires_at"] is None
    desk.run(delivery)
    assert "ValidityPeriod" not in desk.twilio.messages[0].fields


def test_a_limit_of_the_client_holds_for_texts_to_contacts(desk: Desk) -> None:
    limit(desk, 90)
    reply, alert = desk.ask(), desk.ask(purpose="owner_alert", to=OWNER)
    row = desk.delivery(reply)
    assert row["expires_at"] - row["created_at"] == timedelta(minutes=90)
    assert desk.delivery(alert)["expires_at"] is None

    desk.run(reply)
    assert 5380 <= int(desk.twilio.messages[0].fields["ValidityPeriod"]) <= 5400


def test_a_limit_of_the_message_goes_before_that_of_the_client(desk: Desk) -> None:
    limit(desk, 90)
    new = NewDelivery(ORGANIZATION_ID, CLIENT_ID, "reply", "sms", CUSTOMER, "Soon.", valid_for=timedelta(minutes=5))
    with desk.database.tenant_scope(ORGANIZATION_ID) as session:
        delivery = request_delivery(session, new)
    row = desk.delivery(delivery)
    assert row["expires_at"] - row["created_at"] == timedelta(minutes=5)


@pytest.mark.parametrize("valid_for", [timedelta(0), timedelta(seconds=-1), timedelta(days=31)])
def test_a_limit_that_makes_no_sense_is_refused(desk: Desk, valid_for: timedelta) -> None:
    new = NewDelivery(ORGANIZATION_ID, CLIENT_ID, "reply", "sms", CUSTOMER, "Soon.", valid_for=valid_for)
    with pytest.raises(UndeliverableError), desk.database.tenant_scope(ORGANIZATION_ID) as session:
        request_delivery(session, new)


@pytest.mark.parametrize("purpose", ["reply", "fallback", "person"])
def test_what_waited_past_its_time_is_cancelled_and_told_of(desk: Desk, purpose: Purpose) -> None:
    delivery = desk.ask(purpose=purpose)
    desk.connection.execute("UPDATE deliveries SET expires_at = now() - interval '1 second'")
    outcome = desk.run(delivery)

    assert isinstance(outcome, Cancel)
    row = desk.delivery(delivery)
    assert (row["state"], row["error_text"], desk.outcomes(delivery)) == ("cancelled", outcome.reason, ["blocked"])
    assert (desk.twilio.requests, desk.health.asked) == ([], [])
    assert [job["args"] for job in desk.jobs("delivery.failed")] == [{"delivery_id": str(delivery)}]


def test_a_lost_request_is_not_made_again_when_its_time_is_over(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(Hang())
    assert isinstance(desk.run(delivery), Retry)
    desk.wait(30)
    desk.connection.execute("UPDATE deliveries SET expires_at = now()")

    assert isinstance(desk.run(delivery), Cancel)
    assert (desk.outcomes(delivery), desk.twilio.messages) == (["not_sent", "blocked"], [])


def test_quiet_hours_put_a_text_off_no_longer_than_it_is_of_use(desk: Desk) -> None:
    delivery = desk.ask(direct_reply=False)
    desk.clock.set(desk.clock.now().replace(hour=6))
    desk.connection.execute("UPDATE deliveries SET expires_at = now() + interval '1 minute'")
    outcome = desk.run(delivery)

    assert isinstance(outcome, Snooze)
    expires_at = desk.delivery(delivery)["expires_at"]
    assert outcome.until <= expires_at


@pytest.mark.parametrize(
    ("body", "encoding", "segments"),
    [("We open at 8.", "gsm7", 1), ("a" * 161, "gsm7", 2), ("We open at 8 \u2013 come in.", "ucs2", 1)],
)
def test_encoding_and_segments_are_on_record(desk: Desk, body: str, encoding: str, segments: int) -> None:
    row = desk.delivery(desk.ask(body))
    assert (row["encoding"], row["segments"]) == (encoding, segments)


def test_a_text_that_is_too_long_is_refused_with_its_length(desk: Desk) -> None:
    with pytest.raises(UndeliverableError, match="1601 characters; an SMS may have 1600"):
        desk.ask("a" * 1601)
    assert desk.run(desk.ask("a" * 1600)) == Done()


def test_a_messaging_service_sends_alone_or_with_a_number(desk: Desk) -> None:
    service = "MG" + "0" * 32
    desk.throw(f"messaging_service_sid = '{service}'")
    first = desk.ask()
    desk.run(first)
    desk.throw("sms_number = NULL")
    second = desk.ask()
    desk.run(second)

    senders = [(m.fields.get("From"), m.fields.get("MessagingServiceSid")) for m in desk.twilio.messages]
    assert senders == [("+15005550006", service), (None, service)]
    assert [desk.delivery(one)["state"] for one in (first, second)] == ["accepted", "accepted"]
