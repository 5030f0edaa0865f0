"""What owners hear of deliveries that came to nothing, and that a failed alert never alerts about itself."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.alerts.follow_up import delivery_failed, sender_refused
from domain.alerts.raising import AlertKind
from domain.delivery.messages import DeliveryFailed, SenderRefused
from domain.delivery.request import NewDelivery, Purpose, request_delivery
from domain.kernel.ids import new_id
from domain.queue.claim import claim
from domain.queue.enqueue import enqueue
from domain.queue.message import Message, decode
from domain.queue.run import Run
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.domain.alerts.conftest import Office

pytestmark = pytest.mark.integration
CUSTOMER = "+15005550001"


def _run(office: Office, message: Message) -> Run:
    with office.database.tenant_scope(ORGANIZATION_ID) as session:
        job_id = enqueue(session, message, org_id=ORGANIZATION_ID)
    (claimed,) = claim(office.connection, office.worker_id, [job_id])
    return Run(claimed, office.database)


def _fail(office: Office, delivery_id: UUID, error: str = "The recipient's number does not exist.") -> None:
    """Let a delivery end as failed, and do what follows."""
    office.connection.execute(
        "UPDATE deliveries SET state = 'failed', error_text = %s, error_code = '30005' WHERE id = %s",
        [error, delivery_id],
    )
    run = _run(office, DeliveryFailed(delivery_id))
    delivery_failed(decode(DeliveryFailed, run.claimed.args), run, clock=office.clock)


def _text(office: Office, purpose: Purpose = "reply") -> UUID:
    new = NewDelivery(ORGANIZATION_ID, CLIENT_ID, purpose, "sms", CUSTOMER, "We open at 8.", correlation_id=new_id())
    with office.database.tenant_scope(ORGANIZATION_ID) as session:
        return request_delivery(session, new)


@pytest.mark.parametrize("purpose", ["reply", "fallback", "person", "crisis"])
def test_an_owner_hears_of_a_text_that_a_customer_did_not_get(office: Office, purpose: Purpose) -> None:
    text_id = _text(office, purpose)
    _fail(office, text_id)

    _, alert = office.texts()
    assert alert["purpose"] == "owner_alert"
    assert all(words in alert["body"] for words in (CUSTOMER, "does not exist", "We open at 8.", "another way"))
    (raised,) = office.alerts()
    assert (raised["kind"], raised["subject"]) == ("failed_delivery", f"delivery:{text_id}")


def test_the_tenants_endpoints_hear_of_it_too(office: Office) -> None:
    office.connection.execute(
        "INSERT INTO webhook_endpoints (id, org_id, url, events, sealed_secret)"
        " SELECT gen_random_uuid(), id, 'https://example.com', '{delivery.failed}', 'x' FROM organizations"
        " WHERE id = %s",
        [ORGANIZATION_ID],
    )
    text_id = _text(office)
    _fail(office, text_id)

    (event,) = office.rows("SELECT * FROM webhook_events")
    assert event["type"] == "delivery.failed"
    assert (event["payload"]["delivery_id"], event["payload"]["error_code"]) == (str(text_id), "30005")


def test_a_failed_alert_goes_by_email_once_and_raises_none(office: Office) -> None:
    office.raise_one(AlertKind.CALL_BACK, "message:abcd")
    (text,) = office.texts()
    _fail(office, text["id"])

    _, email = office.texts()
    assert (email["channel"], email["purpose"]) == ("email", "owner_alert")
    assert "It was about abcd." in email["body"]
    assert "It was about abcd." in email["html_body"]
    (alert,) = office.alerts()
    assert alert["delivery_ids"] == [text["id"], email["id"]]
    assert office.notices() == []

    _fail(office, email["id"])
    assert len(office.texts()) == 2
    (notice,) = office.notices()
    assert notice["words"].startswith("Requests are saved but you won't be alerted. The last text to the owner")


def test_an_alert_that_went_both_ways_is_not_sent_again(office: Office) -> None:
    office.prefer("notification_channel = 'both'")
    office.raise_one()
    text, _ = office.texts()
    _fail(office, text["id"])

    assert len(office.texts()) == 2
    assert office.notices() == []


def test_an_owner_without_another_channel_becomes_a_notice(office: Office) -> None:
    office.throw("owner_email = NULL")
    office.raise_one()
    (text,) = office.texts()
    _fail(office, text["id"])

    assert len(office.texts()) == 1
    (notice,) = office.notices()
    assert notice["kind"] == "owner_unreachable"


def test_a_digest_that_failed_is_told_by_email_whole(office: Office) -> None:
    for name in ("0001", "0002", "0003"):
        office.raise_one(subject=f"message:{name}")
    office.run_digest()
    _, text = office.texts()
    _fail(office, text["id"])

    *_, email = office.texts()
    assert email["channel"] == "email"
    assert all(f"It was about {name}." in email["body"] for name in ("0002", "0003"))


def test_a_delivery_that_is_gone_is_nothing_to_tell_of(office: Office) -> None:
    run = _run(office, DeliveryFailed(new_id()))
    delivery_failed(decode(DeliveryFailed, run.claimed.args), run, clock=office.clock)

    assert office.texts() == []


def test_an_owner_whose_texts_are_refused_hears_of_it_by_email(office: Office) -> None:
    flag_id = new_id()
    office.connection.execute(
        "INSERT INTO sender_flags (id, org_id, client_id, sender, reason)"
        " SELECT %s, org_id, id, sms_number, 'The number is not registered.' FROM clients WHERE id = %s",
        [flag_id, CLIENT_ID],
    )
    run = _run(office, SenderRefused(flag_id))
    sender_refused(decode(SenderRefused, run.claimed.args), run, clock=office.clock)

    (email,) = office.texts()
    assert email["channel"] == "email"
    assert "not registered" in email["body"]
