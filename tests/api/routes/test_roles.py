"""Roles over HTTP: what they allow, what an organization changes of them, and who one is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI

from api.app import create_app
from config.settings import Settings
from domain.access.authorize import reach
from domain.access.principal import Grant, Principal
from migrations.seeds import apply
from migrations.seeds.demo import ORGANIZATION_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
BEARER: Final = {"authorization": f"Bearer {ADMIN_TOKEN}"}
HERE: Final = {**BEARER, "x-org-id": str(ORGANIZATION_ID)}
OVERRIDE: Final = "/api/v1/roles/implementation_lead/override"


@pytest.fixture
def app(settings: Settings, database_urls: DatabaseUrls) -> FastAPI:
    apply(database_urls.platform, "demo")
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[AppClient]:
    with AppClient(app) as client:
        yield client


def _acts(urls: DatabaseUrls) -> list[tuple[Any, ...]]:
    query = "SELECT action, org_id, before, after, reason FROM admin_audit_logs WHERE action LIKE 'role.%' ORDER BY id"
    with closing(psycopg.connect(urls.superuser)) as connection:
        return connection.execute(query).fetchall()


def test_everything_that_can_be_allowed_is_listed(client: AppClient) -> None:
    items = {item["name"]: item for item in client.get("/api/v1/permissions", headers=BEARER).json()["items"]}
    assert items["knowledge.remove"] == {
        "name": "knowledge.remove",
        "about": "Remove services, hours and questions",
        "scopes": ["platform", "organization", "client"],
        "changes": True,
        "destructive": True,
        "personal": False,
    }


def test_a_role_is_shown_with_all_that_it_inherits(client: AppClient) -> None:
    roles = client.get("/api/v1/roles", headers=BEARER).json()["items"]
    assert "workspace_viewer" in {role["role"] for role in roles}
    assert "base" not in {role["role"] for role in roles}
    viewer = client.get("/api/v1/roles/workspace_viewer", headers=BEARER).json()
    assert viewer["inherits"] == ["base"]
    assert viewer["permissions"]["leads.view"] == "client"
    assert viewer["theme"]["dark"]["accent"] == "#cbd5e1"
    assert "journeys" in {item["id"] for item in viewer["navigation"]}
    assert client.get("/api/v1/roles/nobody", headers=BEARER).status_code == 404
    assert client.get("/api/v1/roles/base", headers=BEARER).status_code == 404


def test_an_organization_narrows_a_role_for_itself_at_once_and_takes_it_back(
    app: FastAPI, client: AppClient, database_urls: DatabaseUrls
) -> None:
    said = {"schema": 1, "permissions": {"users.change": None}, "display_name": "Onboarding"}
    lead = Principal("user", "Ada", (Grant("implementation_lead", ORGANIZATION_ID),), UUID(int=1))
    book = app.state.roles
    assert reach(book, lead, "users.change", ORGANIZATION_ID) is not None

    answer = client.put(OVERRIDE, json=said, params={"because": "Only Dana invites"}, headers=HERE)
    assert (answer.status_code, answer.json()["overridden"], answer.json()["display_name"]) == (200, True, "Onboarding")
    assert "users.change" not in answer.json()["permissions"]
    assert reach(book, lead, "users.change", ORGANIZATION_ID) is None
    assert client.get("/api/v1/roles/implementation_lead", headers=HERE).json() == answer.json()
    # Elsewhere it is as it was.
    assert not client.get("/api/v1/roles/implementation_lead", headers=BEARER).json()["overridden"]

    assert client.delete(OVERRIDE, headers=HERE).status_code == 204
    assert reach(book, lead, "users.change", ORGANIZATION_ID) is not None
    assert client.delete(OVERRIDE, headers=HERE).status_code == 404
    assert _acts(database_urls) == [
        ("role.override", ORGANIZATION_ID, None, said, "Only Dana invites"),
        ("role.restore", ORGANIZATION_ID, said, None, None),
    ]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"permissions": {"queues.view": "platform"}}, "an override can't add one"),
        ({"permissions": {"users.view": "platform"}}, "an override can only narrow"),
        ({"navigation": {"money": {"hidden": True}}}, 'the role has no "money"'),
    ],
)
def test_an_override_that_allows_more_or_dangles_is_refused_with_the_reason(
    client: AppClient, said: dict[str, Any], words: str
) -> None:
    answer = client.put(OVERRIDE, json=said, headers=HERE)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert not client.get("/api/v1/roles/implementation_lead", headers=HERE).json()["overridden"]


@pytest.mark.parametrize(
    "said",
    [
        {"permissions": {"users.view": "everything"}},
        {"inherits": "super_admin"},
        {"schema": 2},
        {"display_name": "\x00"},
        [],
        None,
    ],
)
def test_what_is_no_override_is_refused(client: AppClient, said: object) -> None:
    assert client.put(OVERRIDE, json=said, headers=HERE).status_code == 422


def test_an_override_needs_an_organization(client: AppClient) -> None:
    answer = client.put(OVERRIDE, json={}, headers=BEARER)
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "Say whose role it is: name the organization in X-Org-Id.",
    )


def test_one_sees_who_one_is_and_what_the_pages_offer(client: AppClient) -> None:
    me = client.get("/api/v1/me", headers=HERE).json()
    assert (me["kind"], me["name"], me["read_only"]) == ("admin_token", "admin token", False)
    assert me["organization"] == {"id": str(ORGANIZATION_ID), "slug": me["organization"]["slug"]}
    assert [role["role"] for role in me["roles"]] == ["super_admin"]
    assert me["permissions"]["dead_letters.requeue"] == {"scope": "platform", "clients": None}
    assert {"overview", "dead-letters", "audit"} <= {item["id"] for item in me["navigation"]}
    assert client.get("/api/v1/me", headers=BEARER).json()["organization"] is None


@pytest.mark.parametrize("path", ["/api/v1/permissions", "/api/v1/roles", "/api/v1/roles/customer", "/api/v1/me"])
def test_strangers_see_none(client: AppClient, path: str) -> None:
    assert client.get(path).status_code == 401
