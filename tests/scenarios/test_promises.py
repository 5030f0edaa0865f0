"""The promises of the design, each on its own, through running processes and the provider's wire protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from migrations.seeds import apply, demo
from tests.support.databases import Databases, DatabaseUrls
from tests.support.eventually import eventually
from tests.support.running_house import RunningHouse
from tests.support.servers import Servers, broker_of, empty_broker, redis_database
from tests.support.twilio_api import Reject, Sent
from tests.support.twilio_double import TwilioDouble
from tests.support.twilio_webhook import AUTH_TOKEN, sms_form

pytestmark = pytest.mark.scenario


@pytest.fixture(scope="module")
def twilio() -> Iterator[TwilioDouble]:
    with TwilioDouble(auth_token=AUTH_TOKEN) as double:
        yield double


@pytest.fixture(scope="module")
def urls(databases: Databases) -> Iterator[DatabaseUrls]:
    with databases.migrated() as made:
        apply(made.platform, "demo")
        yield made


@pytest.fixture(scope="module")
def house(
    urls: DatabaseUrls, servers: Servers, worker_id: str, twilio: TwilioDouble, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHouse]:
    """Run the house on the demo tenant, sending through the double."""
    redis = redis_database(servers.redis_url, worker_id)
    empty_broker(redis)
    broker = redis
    if servers.broker_url is not None:
        broker = broker_of(servers.broker_url, worker_id)
        empty_broker(broker)
    settings = {
        "GATEHOUSE_SMS_PROVIDER": "twilio",
        "GATEHOUSE_TWILIO__API_BASE_URL": twilio.url,
        "GATEHOUSE_WORKER_PROCESSES": "1",
    }
    directory: Path = tmp_path_factory.mktemp("house")
    with RunningHouse(urls, redis, broker, directory, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(house: RunningHouse) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=house.url, timeout=15) as made:
        yield made


@pytest.fixture
def connection(urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(urls.platform, autocommit=True) as opened:
        yield opened


def sent_to(twilio: TwilioDouble, number: str) -> list[Sent]:
    return [message for message in twilio.messages if message.to == number]


def asked_for(twilio: TwilioDouble, number: str) -> int:
    return sum(one.method == "POST" and one.fields.get("To") == number for one in twilio.requests)


def test_a_text_that_is_accepted_while_no_worker_lives_is_answered_by_the_next_one(
    house: RunningHouse, client: httpx.Client, twilio: TwilioDouble
) -> None:
    number = "+14155550101"
    house.kill_child("worker")
    assert house.post(client, sms_form(From=number)).status_code == 200
    eventually(lambda: sent_to(twilio, number), within=60, what="The answer")
    assert len(sent_to(twilio, number)) == 1


def test_the_provider_is_asked_again_after_a_refusal_and_not_after_it_accepted(
    house: RunningHouse, client: httpx.Client, twilio: TwilioDouble
) -> None:
    number = "+14155550102"
    twilio.will(Reject(20429, 429, "Too Many Requests", retry_after="1"))
    assert house.post(client, sms_form(From=number)).status_code == 200
    (sent,) = eventually(lambda: sent_to(twilio, number), within=60, what="The answer")
    assert asked_for(twilio, number) == 2
    assert twilio.call_back(sent, "delivered") == 204
    assert asked_for(twilio, number) == 2


def test_a_repeated_webhook_and_a_repeated_report_change_nothing(
    house: RunningHouse, client: httpx.Client, twilio: TwilioDouble, connection: psycopg.Connection[Any]
) -> None:
    number = "+14155550103"
    form = sms_form(From=number)
    assert house.post(client, form).status_code == 200
    (sent,) = eventually(lambda: sent_to(twilio, number), within=60, what="The answer")
    assert twilio.call_back(sent, "delivered") == 204
    before = _everything_about(connection, number)
    assert [house.post(client, form).status_code for _ in range(3)] == [200, 200, 200]
    assert [twilio.call_back(sent, status) for status in ("delivered", "delivered")] == [204, 204]
    assert _everything_about(connection, number) == before
    assert len(sent_to(twilio, number)) == 1


def test_a_brake_that_is_pulled_while_a_text_waits_keeps_it_from_leaving(
    house: RunningHouse, client: httpx.Client, twilio: TwilioDouble, connection: psycopg.Connection[Any]
) -> None:
    number = "+14155550104"
    twilio.will(Reject(20429, 429, "Too Many Requests", retry_after="3"))
    assert house.post(client, sms_form(From=number)).status_code == 200
    eventually(lambda: asked_for(twilio, number) == 1, within=60, what="The first request")
    connection.execute("UPDATE clients SET outbound_paused = true WHERE id = %s", [demo.CLIENT_ID])
    try:
        state = "SELECT state FROM deliveries WHERE to_address = %s AND state = 'cancelled'"
        eventually(lambda: connection.execute(state, [number]).fetchone(), within=60, what="Cancelling")
        assert sent_to(twilio, number) == []
        reason = connection.execute(
            "SELECT g.guard, g.reason FROM guard_logs g JOIN deliveries d ON g.subject = 'delivery:' || d.id"
            " WHERE d.to_address = %s AND NOT g.allowed",
            [number],
        ).fetchone()
        assert reason is not None
    finally:
        connection.execute("UPDATE clients SET outbound_paused = false WHERE id = %s", [demo.CLIENT_ID])


def _everything_about(connection: psycopg.Connection[Any], number: str) -> list[tuple[Any, ...]]:
    """Return how many messages, jobs, attempts, receipts and texts there are because of one number."""
    return connection.execute(
        "SELECT (SELECT count(*) FROM messages WHERE address = %(n)s),"
        " (SELECT count(*) FROM jobs j WHERE j.correlation_id IN (SELECT correlation_id FROM messages"
        "  WHERE address = %(n)s)),"
        " (SELECT count(*) FROM notification_logs l JOIN deliveries d ON d.id = l.delivery_id"
        "  WHERE d.to_address = %(n)s),"
        " (SELECT count(*) FROM delivery_receipts r JOIN deliveries d ON d.id = r.delivery_id"
        "  WHERE d.to_address = %(n)s)",
        {"n": number},
    ).fetchall()
