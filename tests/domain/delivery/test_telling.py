"""An organization's own programs are told of a reply that left, once, whoever is the first to say so."""

from __future__ import annotations

import pytest

from domain.delivery.receipts import Receipt, take_receipt
from domain.kernel.ids import new_id
from migrations.seeds.demo import ORGANIZATION_ID
from tests.domain.delivery.conftest import CUSTOMER, OWNER, Desk, Row
from tests.support.delivery_faults import Meanwhile

pytestmark = pytest.mark.integration


@pytest.fixture
def listening(desk: Desk) -> Desk:
    """Subscribe an endpoint to everything."""
    desk.connection.execute(
        "INSERT INTO webhook_endpoints (id, org_id, url, events, sealed_secret)"
        " VALUES (%s, %s, 'https://example.com', '{*}', 'a')",
        [new_id(), ORGANIZATION_ID],
    )
    return desk


def events(desk: Desk) -> list[Row]:
    return desk.connection.execute("SELECT type, payload FROM webhook_events ORDER BY id").fetchall()


def test_a_reply_that_was_taken_is_told_of(listening: Desk) -> None:
    delivery = listening.ask()
    listening.run(delivery)
    (event,) = events(listening)
    assert event["type"] == "reply.sent"
    payload = event["payload"]
    assert (payload["delivery_id"], payload["address"], payload["purpose"]) == (str(delivery), CUSTOMER, "reply")
    assert payload["provider_id"] == listening.twilio.messages[0].sid


def test_it_is_told_of_once_when_a_report_is_faster_than_the_answer(listening: Desk) -> None:
    delivery = listening.ask()

    def report() -> None:
        (attempt,) = listening.attempts(delivery)
        sid = listening.twilio.messages[0].sid
        take_receipt(listening.database, Receipt(sid, "sent", None, attempt["id"]))

    listening.run(delivery, provider=Meanwhile(listening.provider, after=report))
    assert [event["type"] for event in events(listening)] == ["reply.sent"]


def test_an_alert_is_no_reply(listening: Desk) -> None:
    listening.run(listening.ask(purpose="owner_alert", to=OWNER))
    assert events(listening) == []


def test_nothing_is_kept_for_an_organization_that_does_not_listen(desk: Desk) -> None:
    desk.run(desk.ask())
    assert events(desk) == []
