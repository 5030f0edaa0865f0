"""E-mail goes the way of every delivery: asked for once, gated, sent at most once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from domain.clients.emails import is_email
from domain.delivery.email_templates import UNSUBSCRIBE_HERE, OwnerAlert, render
from domain.delivery.errors import OutcomeUnknownError, UndeliverableError
from domain.delivery.ports import Accepted, OutgoingEmail
from domain.delivery.receipts import Receipt, take_receipt
from domain.delivery.request import NewDelivery, Purpose, request_delivery
from domain.delivery.unsubscribe import Subscriber, unsubscribe
from domain.queue.outcome import Cancel, Done, Retry, Snooze
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.domain.delivery.conftest import PUBLIC_URL, Desk

pytestmark = pytest.mark.integration

OWNER = "owner@example.com"


def ask(desk: Desk, *, to: str = OWNER, subject: str | None = "A new lead", purpose: Purpose = "owner_alert") -> UUID:
    new = NewDelivery(
        ORGANIZATION_ID, CLIENT_ID, purpose, "email", to, "Ann called.", subject=subject, html_body="<p>Ann called.</p>"
    )
    with desk.database.tenant_scope(ORGANIZATION_ID) as session:
        return request_delivery(session, new)


def test_an_email_is_sent_by_the_provider_of_email(desk: Desk) -> None:
    delivery = ask(desk)
    assert desk.run(delivery) == Done()

    (mail,) = desk.connection.execute("SELECT * FROM sandbox_emails").fetchall()
    assert (mail["to_address"], mail["subject"], mail["body"]) == (OWNER, "A new lead", "Ann called.")
    assert mail["html_body"] == "<p>Ann called.</p>"
    row = desk.delivery(delivery)
    assert (row["state"], row["provider"], row["provider_id"]) == ("delivered", "sandbox", mail["provider_id"])
    assert desk.health.asked == [("sandbox", "sandbox", CLIENT_ID)]
    assert desk.twilio.requests == []


def test_a_recurring_email_can_be_ended_by_one_click(desk: Desk) -> None:
    desk.run(ask(desk))
    (mail,) = desk.connection.execute("SELECT * FROM sandbox_emails").fetchall()
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = mail["headers"]["List-Unsubscribe"].removeprefix(f"<{PUBLIC_URL}/unsubscribe/").removesuffix(">")
    subscriber = desk.unsubscribe.read(token)
    assert subscriber == Subscriber(ORGANIZATION_ID, CLIENT_ID, OWNER)

    assert unsubscribe(desk.database, subscriber)
    again = ask(desk, to=OWNER.capitalize())
    outcome = desk.run(again)
    assert isinstance(outcome, Cancel)
    assert outcome.reason == "The recipient has opted out, or its address has bounced."
    assert len(desk.connection.execute("SELECT FROM sandbox_emails").fetchall()) == 1


def test_the_words_of_an_alert_have_the_same_link(desk: Desk) -> None:
    alert = render(OwnerAlert(client_name="Harbor Plumbing", headline="A new lead", summary="Ann called."))
    new = NewDelivery(
        ORGANIZATION_ID,
        CLIENT_ID,
        "owner_alert",
        "email",
        OWNER,
        alert.body,
        subject=alert.subject,
        html_body=alert.html_body,
    )
    with desk.database.tenant_scope(ORGANIZATION_ID) as session:
        delivery = request_delivery(session, new)
    desk.run(delivery)

    (mail,) = desk.connection.execute("SELECT * FROM sandbox_emails").fetchall()
    link = mail["headers"]["List-Unsubscribe"].strip("<>")
    assert f"Stop these e-mails: {link}" in mail["body"]
    assert f'<a href="{link}">Stop these e-mails</a>' in mail["html_body"]
    assert UNSUBSCRIBE_HERE not in mail["body"] + mail["html_body"]


def test_what_was_asked_for_once_carries_no_such_offer(desk: Desk) -> None:
    desk.run(ask(desk, purpose="test"))
    (mail,) = desk.connection.execute("SELECT * FROM sandbox_emails").fetchall()
    assert mail["headers"] == {}


def test_an_email_needs_no_number_to_send_from(desk: Desk) -> None:
    desk.throw("sms_number = NULL, messaging_service_sid = NULL")
    assert desk.run(ask(desk)) == Done()


@pytest.mark.parametrize("purpose", ["owner_alert", "test"])
def test_a_paused_client_sends_no_email(desk: Desk, purpose: Purpose) -> None:
    delivery = ask(desk, purpose=purpose)
    desk.throw("notifications_paused = true")
    assert isinstance(desk.run(delivery), Cancel)
    assert desk.connection.execute("SELECT FROM sandbox_emails").fetchall() == []


class LosesAnswers:
    """An EmailProvider whose answers never arrive."""

    name, account = "ses", "eu-central-1"

    def send(self, email: OutgoingEmail) -> Accepted:
        raise OutcomeUnknownError(f"The answer about attempt {email.attempt_id} was lost.")


def test_a_lost_email_waits_for_its_event_and_is_not_sent_again(desk: Desk) -> None:
    desk.email = LosesAnswers()
    delivery = ask(desk)
    assert isinstance(desk.run(delivery), Retry)
    desk.wait(30)
    outcome = desk.run(delivery)
    assert isinstance(outcome, Snooze)
    assert outcome.until - desk.clock.now() > timedelta(minutes=59)

    (attempt,) = desk.attempts(delivery)
    take_receipt(desk.database, Receipt("0100-event", "delivered", None, attempt["id"]))
    desk.clock.set(outcome.until)
    assert isinstance(desk.run(delivery), Done)
    assert (desk.delivery(delivery)["state"], desk.outcomes(delivery)) == ("delivered", ["accepted"])


def test_a_lost_email_of_which_no_event_comes_is_for_a_person_to_decide(desk: Desk) -> None:
    desk.email = LosesAnswers()
    delivery = ask(desk)
    desk.run(delivery)
    desk.wait(3700)
    assert isinstance(desk.run(delivery), Done)
    row = desk.delivery(delivery)
    assert (row["state"], row["asked_person_at"] is None) == ("unknown", False)
    assert len(desk.notices("outcome_unknown")) == 1


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("+15005550010", "A subject"),
        (OWNER, None),
        (OWNER, " "),
        (OWNER, "A subject\r\nBcc: everybody@example.com"),
    ],
)
def test_an_email_that_no_provider_would_take_is_refused_when_it_is_asked_for(
    desk: Desk, to: str, subject: str | None
) -> None:
    with pytest.raises(UndeliverableError):
        ask(desk, to=to, subject=subject)
    assert desk.connection.execute("SELECT FROM deliveries").fetchall() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann@example.com", True),
        ("ann.o'neil+gym@mail.example.co.uk", True),
        ("ann@localhost", False),
        ("ann@@example.com", False),
        ("ann@example..com", False),
        (".ann@example.com", False),
        ("ann@-example.com", False),
        ("ann @example.com", False),
        ("ann@example.com\n", False),
        ("Ann <ann@example.com>", False),
        ("a" * 65 + "@example.com", False),
        ("ann@" + "a." * 125 + "com", False),
        ("", False),
    ],
)
def test_what_is_an_email_address(text: str, expected: bool) -> None:  # noqa: FBT001  # a table
    assert is_email(text) is expected
