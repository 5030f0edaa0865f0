"""Owners hear of texts that failed: by the real queue, a worker and the provider's protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from config.settings import Settings
from domain.delivery.request import NewDelivery, request_delivery
from domain.kernel.database import Database
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID, OWNER_PHONE
from tests.support.hand_worker import HandWorker
from tests.support.twilio_api import Reject
from tests.support.twilio_double import TwilioDouble

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = [pytest.mark.integration, pytest.mark.scenario]
INVALID = Reject(21211, 400, "The 'To' number is not a valid phone number.")


@dataclass
class House:
    """The demo client with a worker that sends through a double of Twilio."""

    database: Database
    connection: psycopg.Connection[Any]
    worker: HandWorker
    twilio: TwilioDouble

    def ask(self, count: int) -> None:
        with self.database.tenant_scope(ORGANIZATION_ID) as session:
            for number in range(count):
                to = f"+1500555{number:04}"
                new = NewDelivery(ORGANIZATION_ID, CLIENT_ID, "reply", "sms", to, f"Text {number}", direct_reply=True)
                request_delivery(session, new)

    def end_window(self) -> None:
        self.connection.execute(
            "UPDATE jobs SET state = 'available' WHERE kind = 'alerts.digest' AND state = 'scheduled'"
        )
        self.worker.work()

    def to_owner(self) -> list[str]:
        return [message.fields["Body"] for message in self.twilio.messages if message.fields["To"] == OWNER_PHONE]

    def one(self, query: str) -> tuple[Any, ...]:
        row = self.connection.execute(query).fetchone()  # type: ignore[arg-type,unused-ignore]  # words of the test
        assert row is not None
        return tuple(row)


@pytest.fixture
def house(database_urls: DatabaseUrls, redis_url: str) -> Iterator[House]:
    apply(database_urls.platform, "demo")
    with TwilioDouble() as twilio:
        settings = Settings.model_validate(
            {
                "environment": "test",
                "database_url": database_urls.app,
                "platform_database_url": database_urls.platform,
                "broker_url": redis_url,
                "redis_url": redis_url,
                "secret_key": "secret-key-for-tests-0123456789-0123456789",
                "public_url": "https://gatehouse.test",
                "sms_provider": "twilio",
                "twilio": {
                    "account_sid": twilio.account_sid,
                    "auth_token": twilio.auth_token,
                    "api_base_url": twilio.url,
                },
            }
        )
        with (
            psycopg.connect(database_urls.platform, autocommit=True) as connection,
            closing(Database(database_urls.app, database_urls.platform)) as database,
            HandWorker(settings) as worker,
        ):
            yield House(database, connection, worker, twilio)


def test_two_hundred_failures_are_two_messages_to_the_owner(house: House) -> None:
    house.ask(200)
    house.twilio.will(*[INVALID] * 200)
    house.worker.work()

    (first,) = house.to_owner()
    assert "The recipient's number is not valid." in first
    house.end_window()
    _, second = house.to_owner()
    assert "199 more alerts" in second
    house.end_window()
    assert len(house.to_owner()) == 2
    assert house.one("SELECT count(*) FROM owner_alerts WHERE state = 'sent'") == (200,)


def test_an_alert_that_the_owners_phone_refuses_arrives_by_email_and_loops_nowhere(house: House) -> None:
    house.ask(1)
    house.twilio.will(INVALID, INVALID)
    house.worker.work()

    assert house.twilio.messages == []
    subject, body = house.one("SELECT subject, body FROM sandbox_emails")
    assert subject == "Harbor Plumbing: A text did not arrive"
    assert "+15005550000" in body
    assert house.one("SELECT count(*) FROM deliveries") == (3,)
    assert house.one("SELECT count(*) FROM owner_alerts") == (1,)
    assert house.one("SELECT count(*) FROM jobs WHERE state = 'dead'") == (0,)
