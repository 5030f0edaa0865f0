"""What SES reports of an e-mail: its state only moves forward, and who bounces or complains is written to no more."""

from __future__ import annotations

import json
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery.email_events import read_report, take_email_report
from domain.delivery.errors import OutcomeUnknownError, UnreadableReportError
from domain.delivery.ports import Accepted, OutgoingEmail
from domain.delivery.receipts import Receipt
from domain.delivery.request import NewDelivery, request_delivery
from domain.kernel.ids import new_id
from domain.queue.outcome import Cancel, Done, Retry
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.domain.delivery.conftest import Desk
from tests.support.ses_events import PARTS, RECIPIENT, bounce, complaint, event, notification

pytestmark = pytest.mark.integration


class Ses:
    """Takes every e-mail, or loses its answer."""

    name = "ses"
    account = "eu-west-1"

    def __init__(self) -> None:
        self.sent: list[OutgoingEmail] = []
        self.loses_answers = False

    def send(self, email: OutgoingEmail) -> Accepted:
        self.sent.append(email)
        if self.loses_answers:
            raise OutcomeUnknownError("The answer was lost.")
        return Accepted(f"ses-{email.attempt_id.hex}", "accepted")


@pytest.fixture
def ses(desk: Desk) -> Ses:
    desk.email = ses = Ses()
    return ses


def ask(desk: Desk) -> UUID:
    new = NewDelivery(ORGANIZATION_ID, CLIENT_ID, "owner_alert", "email", RECIPIENT, "Ann called.", subject="New lead")
    with desk.database.tenant_scope(ORGANIZATION_ID) as session:
        return request_delivery(session, new)


def sent(desk: Desk) -> tuple[UUID, str, UUID]:
    """Send an e-mail; return the delivery, the provider's id and the attempt."""
    delivery = ask(desk)
    assert desk.run(delivery) == Done()
    return delivery, desk.delivery(delivery)["provider_id"], desk.attempts(delivery)[-1]["id"]


@pytest.mark.parametrize(
    ("kind", "part", "state", "code"),
    [
        ("Send", None, "accepted", None),
        ("DeliveryDelay", None, "accepted", None),
        ("Delivery", None, "delivered", None),
        ("Reject", None, "failed", "Reject"),
        ("Rendering Failure", None, "failed", "Rendering Failure"),
        ("Bounce", bounce(), "undelivered", "Permanent.General"),
        ("Bounce", bounce("Permanent", "NoEmail"), "undelivered", "Permanent.NoEmail"),
        ("Bounce", bounce("Transient", "MailboxFull"), "undelivered", "Transient.MailboxFull"),
        ("Bounce", bounce("Undetermined", "Undetermined"), "undelivered", "Undetermined.Undetermined"),
        ("Complaint", complaint(), "delivered", None),
        ("Complaint", complaint("OnAccountSuppressionList"), "undelivered", "Complaint.OnAccountSuppressionList"),
    ],
)
@pytest.mark.parametrize("shape", ["event", "notification"])
@pytest.mark.usefixtures("ses")
def test_an_event_brings_an_email_to_its_state(
    desk: Desk, kind: str, part: dict[str, object] | None, state: str, code: str | None, shape: str
) -> None:
    delivery, message_id, attempt = sent(desk)
    text = event(kind, message_id, attempt, part) if shape == "event" else notification(kind, message_id, part)

    assert take_email_report(desk.database, text) == "recorded"
    row = desk.delivery(delivery)
    assert (row["state"], row["error_code"]) == (state, code)
    assert (row["error_text"] is None) == (code is None)


@pytest.mark.parametrize(
    ("kind", "part", "source"),
    [
        ("Bounce", bounce(), "bounce"),
        ("Bounce", bounce("Permanent", "OnAccountSuppressionList"), "bounce"),
        ("Complaint", complaint(), "complaint"),
        ("Bounce", bounce("Transient", "MailboxFull"), None),
        ("Bounce", bounce("Undetermined", "Undetermined"), None),
        ("Delivery", None, None),
        ("Reject", None, None),
    ],
)
@pytest.mark.usefixtures("ses")
def test_only_what_is_for_good_ends_all_email_to_an_address(
    desk: Desk, kind: str, part: dict[str, object] | None, source: str | None
) -> None:
    _, message_id, attempt = sent(desk)
    take_email_report(desk.database, event(kind, message_id, attempt, part))
    assert desk.opted_out() == ([] if source is None else [(RECIPIENT, source)])

    again = ask(desk)
    outcome = desk.run(again)
    if source is None:
        assert outcome == Done()
    else:
        assert isinstance(outcome, Cancel)
        assert "opted out" in outcome.reason
        assert desk.outcomes(again) == ["blocked"]


@pytest.mark.usefixtures("ses")
def test_a_repeated_report_changes_nothing_even_after_a_person_lifted_the_suppression(desk: Desk) -> None:
    _, message_id, attempt = sent(desk)
    text = event("Bounce", message_id, attempt, bounce())
    take_email_report(desk.database, text)
    desk.connection.execute("DELETE FROM opt_outs")

    assert take_email_report(desk.database, text) == "repeated"
    assert desk.opted_out() == []


@pytest.mark.usefixtures("ses")
def test_reports_in_any_order_lead_to_one_end(desk: Desk) -> None:
    def bounced_later(order: tuple[str, ...]) -> tuple[str, str]:
        delivery, message_id, attempt = sent(desk)
        for kind in order:
            take_email_report(desk.database, event(kind, message_id, attempt, bounce() if kind == "Bounce" else None))
        desk.connection.execute("DELETE FROM opt_outs")
        row = desk.delivery(delivery)
        return row["state"], row["error_code"]

    orders = permutations(("Send", "Delivery", "Bounce"))
    assert {bounced_later(order) for order in orders} == {("undelivered", "Permanent.General")}


@pytest.mark.usefixtures("ses")
def test_an_out_of_office_reply_does_not_take_a_delivery_back(desk: Desk) -> None:
    delivery, message_id, attempt = sent(desk)
    take_email_report(desk.database, event("Delivery", message_id, attempt))
    take_email_report(desk.database, event("Bounce", message_id, attempt, bounce("Transient", "General")))
    assert desk.delivery(delivery)["state"] == "delivered"


def test_an_event_proves_an_email_whose_answer_was_lost(desk: Desk, ses: Ses) -> None:
    ses.loses_answers = True
    delivery = ask(desk)
    assert isinstance(desk.run(delivery), Retry)
    assert desk.delivery(delivery)["state"] == "unknown"
    attempt = desk.attempts(delivery)[-1]["id"]

    assert take_email_report(desk.database, event("Send", "ses-1", attempt)) == "recorded"
    row = desk.delivery(delivery)
    assert (row["state"], row["provider_id"]) == ("accepted", "ses-1")
    assert desk.outcomes(delivery) == ["accepted"]
    desk.wait(60)
    assert isinstance(desk.run(delivery), Done)
    assert len(ses.sent) == 1


def test_an_event_of_nobodys_email_is_not_kept(desk: Desk) -> None:
    assert take_email_report(desk.database, event("Bounce", "ses-1", new_id(), bounce())) == "unknown"
    assert take_email_report(desk.database, notification("Bounce", "ses-1", bounce())) == "unknown"


@pytest.mark.parametrize("kind", ["Open", "Click", "Subscription", "SomethingNew"])
def test_what_says_nothing_about_delivery_is_left_alone(kind: str) -> None:
    assert read_report(event(kind, "ses-1")) is None


@pytest.mark.parametrize(
    "text",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        "",
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps({"eventType": "Bounce"}),
        json.dumps({"eventType": "Bounce", "mail": {"messageId": "with\nbreaks"}}),
        json.dumps({"eventType": 7, "mail": {"messageId": "x"}}),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_event_of_ses_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableReportError):
        read_report(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["tags", "messageId", "bounceType", "x"]), inner),
)


@given(
    kind=st.sampled_from([*PARTS, "Bounce", "Complaint"]),
    part=JSON,
    mail=st.dictionaries(st.sampled_from(["messageId", "tags", "destination"]), JSON),
    tags=JSON,
)
def test_no_event_does_worse_than_being_unreadable(
    kind: str, part: object, mail: dict[str, object], tags: object
) -> None:
    name = PARTS.get(kind, (kind.lower(), {}))[0]
    for shown in (mail, mail | {"messageId": "ses-1", "tags": {"gatehouse-attempt": tags}}):
        try:
            receipt = read_report(json.dumps({"eventType": kind, "mail": shown, name: part}))
        except UnreadableReportError:
            continue
        assert receipt is None or isinstance(receipt, Receipt)
        assert receipt is None or receipt.error_code is None or len(receipt.error_code) < 100
