"""A tenant's own system is told of a text through the running roles, though it is down when the text comes in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.databases import DatabaseUrls
from tests.support.eventually import eventually
from tests.support.running_house import ADMIN_TOKEN, RunningHouse
from tests.support.twilio_webhook import sms_form
from tests.support.webhook_receiver import Receiver

pytestmark = pytest.mark.scenario
PATH = "/api/v1/webhook-endpoints"


@pytest.fixture
def house(database_urls: DatabaseUrls, redis_url: str, broker_url: str, tmp_path: Path) -> Iterator[RunningHouse]:
    """Run the house on the demo tenant, with loopback open to webhooks."""
    apply(database_urls.platform, "demo")
    settings = {"GATEHOUSE_WORKER_PROCESSES": "1", "GATEHOUSE_WEBHOOKS__ALLOWED_NETWORKS": "127.0.0.0/8"}
    with RunningHouse(database_urls, redis_url, broker_url, tmp_path, **settings) as running:
        yield running


@pytest.fixture
def admin(house: RunningHouse) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    with httpx.Client(base_url=house.url, timeout=30, headers=headers) as client:
        yield client


def test_a_receiver_that_was_down_gets_exactly_what_happened_signed(house: RunningHouse, admin: httpx.Client) -> None:
    with Receiver() as receiver:
        new = {"org_id": str(ORGANIZATION_ID), "url": receiver.url(), "events": ["message.received"]}
        endpoint = admin.post(PATH, json=new).raise_for_status().json()
        assert admin.post(f"{PATH}/{endpoint['id']}/test").json()["delivered"] is True
        receiver.will(503)
        answer = house.post(admin, sms_form(Body="My sink leaks", MessageSid=f"SM{7:032}"))
        correlation_id = answer.headers["x-correlation-id"]

        def sends() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = admin.get(f"{PATH}/{endpoint['id']}/sends").json()["items"]
            return items

        eventually(lambda: [one["state"] for one in sends()] == ["delivered"] * 2, within=40, what="The webhook")
        test, refused, taken = receiver.received
        document = taken.verified(endpoint["secret"])
        assert document["type"] == "message.received"
        assert document["data"]["text"] == "My sink leaks"
        assert document["data"]["client_id"] == str(CLIENT_ID)
        assert document["data"]["correlation_id"] == correlation_id
        # At the second try it was the same event, not another one that looks like it.
        assert taken.headers["webhook-id"] == refused.headers["webhook-id"] != test.headers["webhook-id"]
        assert hashlib.sha256(taken.body).digest() == hashlib.sha256(refused.body).digest()
        assert [call["status"] for call in sends()[0]["calls"]] == [503, 204]
        span = {"from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z", "only_missed": False}
        assert admin.post(f"{PATH}/{endpoint['id']}/replay", json=span).json()["events"] == 1
        eventually(lambda: len(receiver.received) == 4, within=30, what="The replay")
        assert receiver.received[3].headers["webhook-id"] == taken.headers["webhook-id"]
    for role in ("api", "worker"):
        assert endpoint["secret"] not in house.logs(role)
        assert "My sink leaks" not in house.logs(role)
