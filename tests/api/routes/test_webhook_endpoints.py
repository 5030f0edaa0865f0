"""Webhook endpoints through the administration API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.app import create_app
from domain.kernel.ids import new_id
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.webhook_house import House, webhook_house
from tests.support.webhook_receiver import Receiver

if TYPE_CHECKING:
    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
PATH = "/api/v1/webhook-endpoints"


@pytest.fixture
def house(database_urls: DatabaseUrls) -> Iterator[House]:
    with webhook_house(database_urls) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started


@pytest.fixture
def admin(house: House, settings: Settings) -> Iterator[AppClient]:
    assert house.endpoints() == []
    webhooks = settings.webhooks.model_copy(update={"allowed_networks": "127.0.0.0/8"})
    with AppClient(create_app(settings.model_copy(update={"webhooks": webhooks}))) as client:
        client.headers["Authorization"] = f"Bearer {ADMIN_TOKEN}"
        yield client


def create(admin: AppClient, url: str = "https://hooks.example.com/in", **more: object) -> httpx.Response:
    document = {"org_id": str(ORGANIZATION_ID), "url": url, "events": ["*"], **more}
    return admin.post(PATH, json=document)


def created(admin: AppClient, url: str = "https://hooks.example.com/in", **more: object) -> dict[str, Any]:
    answer = create(admin, url, **more)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_only_administrators_get_in(admin: AppClient) -> None:
    del admin.headers["Authorization"]
    some = new_id()
    for method, path in (
        ("GET", PATH),
        ("POST", PATH),
        ("GET", f"{PATH}/{some}"),
        ("PATCH", f"{PATH}/{some}"),
        ("DELETE", f"{PATH}/{some}"),
        ("POST", f"{PATH}/{some}/test"),
        ("POST", f"{PATH}/{some}/rotate-secret"),
        ("GET", f"{PATH}/{some}/sends"),
        ("POST", f"/api/v1/webhook-sends/{some}/replay"),
    ):
        assert admin.request(method, path).status_code == 401


def test_the_secret_is_shown_at_creation_and_rotation_and_nowhere_else(admin: AppClient) -> None:
    endpoint = created(admin, client_id=str(CLIENT_ID), description="CRM")
    assert endpoint["secret"].startswith("whsec_")
    path = f"{PATH}/{endpoint['id']}"
    rotated = admin.post(f"{path}/rotate-secret").json()
    assert rotated["secret"] not in {endpoint["secret"], None}
    assert rotated["previous_until"] is not None
    for answer in (admin.get(path), admin.get(PATH), admin.patch(path, json={"description": "ERP"})):
        assert answer.status_code == 200
        assert "whsec_" not in answer.text
        assert "sealed" not in answer.text
    assert admin.get(path).json()["description"] == "ERP"


def test_what_is_wrong_with_an_endpoint_is_said_in_words(admin: AppClient) -> None:
    for document, words in (
        ({"url": "https://10.0.0.1/"}, "That address is never called: a private network."),
        ({"url": "ftp://x.example/"}, "must begin with https:// or http://."),
        ({"events": ["message.sent"]}, "There is no event 'message.sent'. There are: "),
    ):
        answer = create(admin, **document)
        assert answer.status_code == 422
        assert words in answer.json()["detail"]
    assert create(admin, org_id=str(new_id())).status_code == 404
    assert create(admin, secret="mine").status_code == 422
    assert admin.get(f"{PATH}/{new_id()}").status_code == 404


def test_endpoints_are_listed_page_by_page(admin: AppClient) -> None:
    ids = [created(admin, description=str(number))["id"] for number in range(3)]
    first = admin.get(PATH, params={"limit": 2, "org_id": str(ORGANIZATION_ID)}).json()
    second = admin.get(PATH, params={"limit": 2, "after": first["next"]}).json()
    assert [item["id"] for item in first["items"] + second["items"]] == ids
    assert second["next"] is None
    assert admin.get(PATH, params={"org_id": str(new_id())}).json()["items"] == []


def test_a_test_call_says_what_came_of_it(admin: AppClient, receiver: Receiver) -> None:
    endpoint = created(admin, receiver.url())
    receiver.will(503)
    path = f"{PATH}/{endpoint['id']}/test"
    failed = admin.post(path).json()
    assert (failed["delivered"], failed["error"]) == (False, "The receiver answered 503.")
    assert admin.post(path).json()["delivered"] is True
    assert receiver.received[1].verified(endpoint["secret"])["type"] == "webhook.test"


def test_sends_are_listed_with_their_calls_and_replayed(admin: AppClient, house: House, receiver: Receiver) -> None:
    endpoint = created(admin, receiver.url())
    receiver.will(404)
    house.emit()
    house.emit()
    house.run(0)
    house.run(1)
    path = f"{PATH}/{endpoint['id']}"
    newest, oldest = admin.get(f"{path}/sends").json()["items"]
    assert (newest["state"], newest["type"]) == ("delivered", "message.received")
    assert (oldest["state"], oldest["calls"][0]["status"]) == ("pending", 404)
    assert [one["id"] for one in admin.get(f"{path}/sends", params={"state": "pending"}).json()["items"]] == [
        oldest["id"]
    ]
    page = admin.get(f"{path}/sends", params={"limit": 1}).json()
    assert admin.get(f"{path}/sends", params={"limit": 1, "after": page["next"]}).json()["items"] == [oldest]
    again = admin.post(f"/api/v1/webhook-sends/{newest['id']}/replay")
    assert (again.status_code, again.json()["replay"], again.json()["event_id"]) == (202, 1, newest["event_id"])
    assert admin.post(f"/api/v1/webhook-sends/{new_id()}/replay").status_code == 404


def test_a_disabled_endpoint_is_enabled_and_gets_what_it_missed(admin: AppClient, house: House) -> None:
    endpoint = created(admin)
    path = f"{PATH}/{endpoint['id']}"
    house.emit()
    disabled = admin.post(f"{path}/disable", json={"reason": "They moved."}).json()
    assert (disabled["enabled"], disabled["disabled_because"], disabled["cancelled"]) == (False, "They moved.", 1)
    house.emit()
    span = {"from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00+02:00"}
    refused = admin.post(f"{path}/replay", json=span)
    assert (refused.status_code, "Enable it first" in refused.json()["detail"]) == (409, True)
    assert admin.post(f"{path}/enable").json()["enabled"] is True
    answer = admin.post(f"{path}/replay", json=span)
    assert (answer.status_code, answer.json()["events"]) == (202, 2)
    assert admin.post(f"{path}/replay", json=span).json()["job_id"] == answer.json()["job_id"]
    assert admin.post(f"{path}/replay", json={"from": "2026-01-01T00:00:00", "to": "2026-01-02"}).status_code == 422


def test_a_deleted_endpoint_is_gone(admin: AppClient, house: House) -> None:
    endpoint = created(admin)
    assert admin.delete(f"{PATH}/{endpoint['id']}").status_code == 204
    assert admin.delete(f"{PATH}/{endpoint['id']}").status_code == 404
    acts = house.rows("SELECT actor, action, request_id FROM admin_audit_logs ORDER BY id")
    assert [(act["actor"], act["action"]) for act in acts] == [
        ("admin token", "webhook_endpoint.create"),
        ("admin token", "webhook_endpoint.delete"),
    ]
    assert all(act["request_id"] for act in acts)
