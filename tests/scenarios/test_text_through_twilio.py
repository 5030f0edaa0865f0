"""A text's whole way through running processes: signed webhook, reply through Twilio's API, receipt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from migrations.seeds import apply
from tests.support.eventually import eventually
from tests.support.running_house import RunningHouse
from tests.support.twilio_api import AcceptThenDrop, Sent
from tests.support.twilio_double import TwilioDouble
from tests.support.twilio_webhook import AUTH_TOKEN, CUSTOMER, sms_form

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

CLIENT_NUMBER = "+15005550006"


@pytest.fixture
def twilio() -> Iterator[TwilioDouble]:
    with TwilioDouble(auth_token=AUTH_TOKEN) as double:
        yield double


@pytest.fixture
def house(
    database_urls: DatabaseUrls, redis_url: str, broker_url: str, tmp_path: Path, twilio: TwilioDouble
) -> Iterator[RunningHouse]:
    """Run the house on the demo tenant, sending through the double."""
    apply(database_urls.platform, "demo")
    settings = {
        "GATEHOUSE_SMS_PROVIDER": "twilio",
        "GATEHOUSE_TWILIO__API_BASE_URL": twilio.url,
        "GATEHOUSE_WORKER_PROCESSES": "1",
        "GATEHOUSE_METRICS_PORT": "0",
    }
    with RunningHouse(database_urls, redis_url, broker_url, tmp_path, **settings) as running:
        yield running


@pytest.fixture
def state(database_urls: DatabaseUrls) -> Iterator[Callable[[], str]]:
    """Tell how far the delivery to the customer has come."""
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:

        def look() -> str:
            row = connection.execute("SELECT state FROM deliveries WHERE to_address = %s", [CUSTOMER]).fetchone()
            return str(row[0]) if row else ""

        yield look


def to_customer(twilio: TwilioDouble) -> list[Sent]:
    return [message for message in twilio.messages if message.to == CUSTOMER]


@pytest.mark.scenario
def test_a_signed_text_leads_to_one_well_formed_request_and_its_receipt_closes_it(
    house: RunningHouse, twilio: TwilioDouble, state: Callable[[], str]
) -> None:
    form = sms_form("What are your opening hours?")
    with httpx.Client(base_url=house.url) as client:
        assert [house.post(client, form).status_code for _ in range(3)] == [200, 200, 200]
    (sent,) = eventually(lambda: to_customer(twilio), what="The reply")

    assert sent.fields.keys() == {"To", "From", "Body", "StatusCallback"}
    assert sent.fields["From"] == CLIENT_NUMBER
    assert "Monday" in sent.body
    assert sent.fields["StatusCallback"].startswith(f"{house.url}/webhooks/twilio/status?attempt=")
    posts = [request for request in twilio.requests if request.fields.get("To") == CUSTOMER]
    assert [(request.method, request.authorized) for request in posts] == [("POST", True)]

    assert twilio.call_back(sent, "delivered") == 204
    assert twilio.call_back(sent, "sent") == 204
    assert state() == "delivered"
    assert len(to_customer(twilio)) == 1
    _no_personal_data(house, sent)


@pytest.mark.chaos
def test_a_reply_whose_answer_was_lost_is_not_sent_again(
    house: RunningHouse, twilio: TwilioDouble, state: Callable[[], str]
) -> None:
    twilio.will(AcceptThenDrop())
    with httpx.Client(base_url=house.url) as client:
        house.post(client, sms_form("What are your opening hours?"))
    eventually(lambda: state() == "unknown", what="The lost answer")
    eventually(lambda: state() == "accepted", within=60, what="Finding it")

    assert len(to_customer(twilio)) == 1


def _no_personal_data(house: RunningHouse, sent: Sent) -> None:
    for role in ("api", "worker", "scheduler"):
        lines: list[Any] = [line for line in house.logs(role).splitlines() if line.startswith("{")]
        assert role != "worker" or any(json.loads(line).get("kind") == "delivery.send" for line in lines)
        for secret in (CUSTOMER.removeprefix("+"), sent.body, AUTH_TOKEN):
            assert secret not in house.logs(role)
