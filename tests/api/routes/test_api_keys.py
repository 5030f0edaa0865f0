"""API keys through the administration API, and what a machine gets with one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest

from api.app import create_app
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.signing_in import add_person, csrf_of, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
PATH = "/api/v1/api-keys"
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
def app(settings: Settings, database_urls: DatabaseUrls) -> Iterator[AppClient]:
    apply(database_urls.platform, "test")
    with AppClient(create_app(settings)) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def create(app: AppClient, headers: dict[str, str] | None = None, **wanted: object) -> dict[str, Any]:
    document = {"name": "stock", "role": "implementation_lead", **wanted}
    answer = app.post(PATH, json=document, headers=headers or {**ADMIN, "X-Org-Id": str(ORGANIZATION_ID)})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_machine_works_with_a_key_in_its_own_organization_alone(app: AppClient) -> None:
    key = create(app)["key"]
    assert [one["org_id"] for one in app.get(PATH, headers=bearer(key)).json()["items"]] == [str(ORGANIZATION_ID)]
    for foreign in (new_id(), UUID(int=0)):
        other = app.get(PATH, headers={**bearer(key), "X-Org-Id": str(foreign)})
        assert other.status_code == 403
    assert app.get("/api/v1/queues", headers=bearer(key)).status_code == 403


def test_the_key_is_shown_once(app: AppClient) -> None:
    made = create(app)
    assert made["key"].startswith(made["prefix"] + "_")
    assert "key" not in app.get(PATH, headers=ADMIN).json()["items"][0]
    rotated = app.post(f"{PATH}/{made['id']}/rotate", json={}, headers=ADMIN)
    assert rotated.status_code == 201
    assert rotated.json()["replaces"] == made["id"]
    listed = app.get(PATH, headers=ADMIN).text
    assert made["key"] not in listed
    assert rotated.json()["key"] not in listed


def test_a_key_works_until_it_is_revoked_and_through_a_rotation(app: AppClient) -> None:
    made = create(app)
    rotated = app.post(f"{PATH}/{made['id']}/rotate", json={"overlap_hours": 2}, headers=ADMIN).json()
    left = datetime.fromisoformat(rotated["previous_until"]) - datetime.now(UTC)
    assert timedelta(hours=1, minutes=55) < left <= timedelta(hours=2)
    for key in (made["key"], rotated["key"]):
        assert app.get(PATH, headers=bearer(key)).status_code == 200
    ended = app.post(f"{PATH}/{made['id']}/revoke", json={"reason": "leaked"}, headers=ADMIN)
    assert ended.json()["revoked_at"] is not None
    assert app.get(PATH, headers=bearer(made["key"])).status_code == 401
    assert app.get(PATH, headers=bearer(rotated["key"])).status_code == 200


def test_a_key_works_on_when_its_maker_has_left_and_the_list_says_so(
    app: AppClient, database_urls: DatabaseUrls
) -> None:
    add_person(database_urls.platform, "ann@example.com", ("super_admin", PLATFORM_ORG_ID, None), name="Ann")
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        connection.execute("UPDATE memberships SET accepted_at = now()")
        sign_in(app, "ann@example.com")
        mine = {"X-CSRF-Token": csrf_of(app, "/dashboard/journeys"), "X-Org-Id": str(ORGANIZATION_ID)}
        made = create(app, mine)
        assert (made["created_by"], made["maker"], create(app)["maker"]) == ("Ann", "here", "nobody")

        def makers() -> list[str]:
            return [one["maker"] for one in app.get(PATH, headers=ADMIN).json()["items"]]

        assert makers() == ["here", "nobody"]
        connection.execute("UPDATE users SET disabled_at = now()")
        assert makers() == ["left", "nobody"]
        connection.execute("UPDATE users SET disabled_at = NULL")
        connection.execute("DELETE FROM memberships")
        assert makers() == ["left", "nobody"]
    assert app.get(PATH, headers=bearer(made["key"])).status_code == 200
    ended = app.post(f"{PATH}/{made['id']}/revoke", json={"reason": "left"}, headers=ADMIN).json()
    assert ended["maker"] == "left"


def test_only_the_platform_learns_that_a_keys_maker_is_disabled(app: AppClient, database_urls: DatabaseUrls) -> None:
    for name in ("ann", "bob"):
        here = ("implementation_lead", ORGANIZATION_ID, None)
        add_person(database_urls.platform, f"{name}@example.com", here, name=name.title())
    sign_in(app, "ann@example.com")
    made = create(app, {"X-CSRF-Token": csrf_of(app, "/account")}, role="workspace_viewer", client_id=str(CLIENT_ID))
    app.cookies.clear()
    sign_in(app, "bob@example.com")
    in_it = ADMIN | {"X-Org-Id": str(ORGANIZATION_ID)}

    def maker(headers: dict[str, str] | None = None) -> str:
        (found,) = [one for one in app.get(PATH, headers=headers).json()["items"] if one["id"] == made["id"]]
        return str(found["maker"])

    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        connection.execute("UPDATE users SET disabled_at = now() WHERE name = 'Ann'")
        assert (maker(), maker(ADMIN), maker(in_it)) == ("here", "left", "left")
        connection.execute("DELETE FROM memberships WHERE user_id = (SELECT id FROM users WHERE name = 'Ann')")
        assert (maker(), maker(ADMIN)) == ("left", "left")


def test_unknown_wrong_and_ended_keys_get_the_same_answer(app: AppClient) -> None:
    made = create(app)
    app.post(f"{PATH}/{made['id']}/revoke", json={"reason": "leaked"}, headers=ADMIN)
    other = create(app)["key"]
    answers = [
        app.get(PATH, headers={**bearer(key), "X-Request-Id": "the-same-one"})
        for key in (made["key"], other[:-1] + ("a" if other[-1] != "a" else "b"), "gh_", "x")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


def test_a_key_makes_no_key_that_reaches_further(app: AppClient) -> None:
    narrow = create(app, scopes=["api_keys.change", "api_keys.view", "leads.view"])["key"]
    wider = app.post(PATH, json={"name": "x", "role": "implementation_lead"}, headers=bearer(narrow))
    assert wider.status_code == 403
    assert "goes beyond what you have yourself" in wider.json()["detail"]
    everywhere = app.post(
        PATH, json={"name": "x", "role": "super_admin", "org_id": str(UUID(int=0))}, headers=bearer(narrow)
    )
    assert everywhere.status_code in {403, 404}
    create(app, bearer(narrow), role="implementation_lead", scopes=["leads.view"])


def test_a_key_for_one_client_sees_that_client_alone(app: AppClient, database_urls: DatabaseUrls) -> None:
    key = create(app, client_id=str(CLIENT_ID), role="workspace_viewer")["key"]
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        other = new_id()
        connection.execute(
            "INSERT INTO clients (id, org_id, slug, name, timezone) VALUES (%s, %s, 'other', 'Other', 'UTC')",
            [other, ORGANIZATION_ID],
        )
    assert app.get(f"/api/v1/clients/{CLIENT_ID}/notifications", headers=bearer(key)).status_code == 200
    assert app.get(f"/api/v1/clients/{other}/notifications", headers=bearer(key)).status_code == 404


def test_a_suspended_organizations_keys_wait(app: AppClient, database_urls: DatabaseUrls) -> None:
    key = create(app)["key"]
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        connection.execute("UPDATE organizations SET status = 'suspended' WHERE id = %s", [ORGANIZATION_ID])
    answer = app.get(PATH, headers=bearer(key))
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:gatehouse:problem:suspended")


def test_a_key_for_the_platform_is_made_by_the_platform_alone(app: AppClient) -> None:
    key = create(app, ADMIN, role="super_admin")["key"]
    assert app.get("/api/v1/queues", headers=bearer(key)).status_code == 200


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"name": "x", "role": "emperor"}, 422),
        ({"name": "x", "role": "implementation_lead", "client_id": "01930000-0000-7000-8000-0000000000ff"}, 404),
        ({"name": "x", "role": "implementation_lead", "expires_at": "2020-01-01T00:00:00Z"}, 422),
        ({"name": "x", "role": "implementation_lead", "key": "gh_mine"}, 422),
    ],
)
def test_a_key_that_can_not_be_is_refused(app: AppClient, document: dict[str, Any], status: int) -> None:
    answer = app.post(PATH, json=document, headers={**ADMIN, "X-Org-Id": str(ORGANIZATION_ID)})
    assert answer.status_code == status
