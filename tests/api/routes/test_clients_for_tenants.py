"""What people of an organization, and of one client of it, reach of clients and organizations over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from config.places import CONFIG
from config.settings import Settings
from domain.access.roles.book import read_roles
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from migrations.seeds.test import TENANT as OTHER
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.whose import Keyholder, new_keyholder

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi import FastAPI

    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
PATH = "/api/v1/clients"
DEMO = f"{PATH}/{CLIENT_ID}"


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings on a database with two tenants."""
    apply(database_urls.platform, "test")
    return settings


def holder(client: AppClient, role: str, client_id: UUID | None = None) -> Keyholder:
    app: FastAPI = client._app
    return new_keyholder(app.state.database, read_roles(CONFIG), role, ORGANIZATION_ID, client_id)


def test_a_workspace_admin_runs_one_client_and_takes_no_number(client: AppClient, database_urls: DatabaseUrls) -> None:
    beside = client.post(PATH, json={"name": "Beside"}, headers=ADMIN | {"x-org-id": str(ORGANIZATION_ID)}).json()
    dana = holder(client, "workspace_admin", CLIENT_ID).headers
    assert [one["id"] for one in client.get(PATH, headers=dana).json()["items"]] == [str(CLIENT_ID)]
    assert client.patch(DEMO, json={"name": "Ours"}, headers=dana).json()["name"] == "Ours"
    assert client.patch(f"{DEMO}/settings", json={"takeover_minutes": 5}, headers=dana).status_code == 200
    assert client.post(f"{DEMO}/switches/ai_disabled/pause", json={"reason": "a"}, headers=dana).status_code == 200
    for details in ({"sms_number": "+15005550042"}, {"messaging_service_sid": "MG" + "0" * 32, "name": "Mine"}):
        assert client.patch(DEMO, json=details, headers=dana).status_code == 403
    for path, document in (
        ("archive", {"reason": "No."}),
        ("billing", {"step": "payment_failed"}),
        ("go-live", None),
    ):
        assert client.post(f"{DEMO}/{path}", json=document, headers=dana).status_code == 403
    assert client.get(f"{PATH}/{beside['id']}", headers=dana).status_code == 404
    assert client.patch(f"{PATH}/{beside['id']}", json={"name": "Mine"}, headers=dana).status_code == 404
    assert client.post(PATH, json={"name": "New"}, headers=dana).status_code == 403
    with psycopg.connect(database_urls.platform) as connection:
        query = "SELECT DISTINCT client_id FROM admin_audit_logs WHERE role = 'workspace_admin'"
        assert connection.execute(query).fetchall() == [(CLIENT_ID,)]


def test_an_implementation_lead_takes_on_clients_of_their_organization_alone(client: AppClient) -> None:
    lead = holder(client, "implementation_lead").headers
    made = client.post(PATH, json={"name": "New", "sms_number": "+15005550042"}, headers=lead)
    assert (made.status_code, made.json()["org_id"]) == (201, str(ORGANIZATION_ID))
    theirs = {"name": "Theirs", "org_id": str(OTHER.organization_id)}
    assert client.post(PATH, json=theirs, headers=lead).status_code == 404
    assert client.get(f"{PATH}/{OTHER.client.id}", headers=lead).status_code == 404
    organizations = client.get("/api/v1/organizations", headers=lead).json()["items"]
    assert [one["id"] for one in organizations] == [str(ORGANIZATION_ID)]
    own = f"/api/v1/organizations/{ORGANIZATION_ID}"
    assert client.patch(own, json={"name": "Renamed"}, headers=lead).json()["name"] == "Renamed"
    assert client.post(f"{own}/suspend", json={"reason": "a"}, headers=lead).status_code == 403
    elsewhere = f"/api/v1/organizations/{OTHER.organization_id}"
    assert client.patch(elsewhere, json={"name": "Mine"}, headers=lead).status_code == 404


def test_a_suspended_organization_is_let_in_nowhere_until_it_is_restored(client: AppClient) -> None:
    lead = holder(client, "implementation_lead").headers
    own = f"/api/v1/organizations/{ORGANIZATION_ID}"
    assert client.post(f"{own}/suspend", json={"reason": "Does not answer."}, headers=ADMIN).status_code == 200
    refused = client.get(PATH, headers=lead)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:gatehouse:problem:suspended")
    assert client.get(DEMO, headers=ADMIN).json()["customers_are_answered"]["guard"] == "organization_active"
    assert client.post(f"{own}/restore", json={"reason": "It did."}, headers=ADMIN).status_code == 200
    assert client.get(PATH, headers=lead).status_code == 200
