"""Looking in as a client: how far that goes, who is told, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest

from api.app import create_app
from config.settings import Settings
from domain.kernel.clock import ManualClock
from domain.kernel.ids import PLATFORM_ORG_ID
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID
from migrations.seeds.demo import ORGANIZATION_ID as ORG_ID
from migrations.seeds.test import TENANT as OTHER
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.signing_in import acts, add_person, csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    import httpx

    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
PAGE = {"Accept": "text/html"}
INSIDE = "/dashboard/journeys"
ANN = "ann@example.com"
CLIENT = f"/api/v1/clients/{CLIENT_ID}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
def ann(database_urls: DatabaseUrls) -> UUID:
    apply(database_urls.platform, "test")
    return add_person(database_urls.platform, ANN, ("super_admin", PLATFORM_ORG_ID, None), name="Ann")


@pytest.fixture
def client(settings: Settings, clock: ManualClock, ann: UUID) -> Iterator[AppClient]:
    del ann
    app = create_app(settings)
    app.state.clock = clock
    with AppClient(app) as client:
        sign_in(client, ANN)
        yield client


def ask(client: AppClient, method: str, path: str, document: object = None) -> httpx.Response:
    return client.request(method, path, json=document, headers={"X-CSRF-Token": csrf_of(client, INSIDE)})


def view(client: AppClient, **changes: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    new = {"client_id": str(CLIENT_ID), "minutes": 15, "reason": "Case 4711"} | changes
    return ask(client, "POST", "/api/v1/view-as", new)


def test_the_pages_are_seen_as_the_client_sees_them(client: AppClient) -> None:
    assert client.get(f"/api/v1/clients/{OTHER.client.id}").status_code == 200
    answer = view(client)
    assert answer.status_code == 201, answer.text
    assert answer.json()["client_name"] == "Harbor Plumbing"
    assert answer.json()["writes"] is False
    assert client.get(CLIENT).status_code == 200
    assert client.get(f"/api/v1/clients/{OTHER.client.id}").status_code == 404
    assert client.get("/api/v1/queues").status_code == 403
    assert client.get(CLIENT, headers={"X-Org-Id": str(OTHER.organization_id)}).status_code == 403


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("role", ["workspace_viewer", "workspace_admin"])
def test_nothing_can_be_changed_unless_that_was_asked_for(settings: Settings, role: str) -> None:
    change = {"owner_name": "Sam Reyes"}
    with AppClient(create_app(settings.model_copy(update={"view_as_role": role}))) as client:
        sign_in(client, ANN)
        view(client)
        refused = ask(client, "PATCH", CLIENT, change)
        assert refused.status_code == 403, refused.text
        assert ask(client, "DELETE", "/api/v1/view-as").status_code == 204
        assert view(client, writes=True).json()["writes"] is True
        changed = ask(client, "PATCH", CLIENT, change)
        assert changed.status_code == 200, changed.text


def test_a_banner_on_every_page_says_so_and_stops_it(client: AppClient) -> None:
    assert "You see this as" not in client.get(INSIDE, headers=PAGE).text
    view(client)
    text = client.get(INSIDE, headers=PAGE).text
    assert "You see this as Harbor Plumbing does and can change nothing." in text
    assert 'action="/dashboard/view-as/stop"' in text
    stopped = client.post("/dashboard/view-as/stop", data={"csrf_token": csrf_of(client, INSIDE)})
    assert (stopped.status_code, stopped.headers["location"]) == (303, INSIDE)
    assert "You see this as" not in client.get(INSIDE, headers=PAGE).text
    view(client, writes=True)
    assert "what you change is changed" in client.get(INSIDE, headers=PAGE).text


def test_the_account_page_stays_that_of_whoever_looks_in(
    client: AppClient, database_urls: DatabaseUrls, ann: UUID
) -> None:
    bob = add_person(database_urls.platform, "bob@example.com", ("workspace_admin", ORG_ID, CLIENT_ID), name="Bob")
    assert "This is your own account" not in client.get("/account", headers=PAGE).text
    view(client)
    text = client.get("/account", headers=PAGE).text
    assert "This is your own account, ann@example.com: nobody's at Harbor Plumbing." in text
    assert "bob@example.com" not in text
    changed = client.post("/account/name", data={"name": "Eve", "csrf_token": csrf_of(client, "/account")})
    assert changed.status_code == 303
    with psycopg.connect(database_urls.platform) as connection:
        names: dict[UUID, str] = dict(connection.execute("SELECT id, name FROM users").fetchall())
    assert (names[ann], names[bob]) == ("Eve", "Bob")
    assert acts(database_urls.platform, "user.renamed") == [("Ann", "user.renamed", ann)]


def test_it_ends_by_itself_and_that_is_on_record(
    client: AppClient, clock: ManualClock, database_urls: DatabaseUrls, ann: UUID
) -> None:
    view(client, minutes=5)
    clock.advance(timedelta(minutes=5) - timedelta(seconds=1))
    assert client.get("/api/v1/queues").status_code == 403
    clock.advance(timedelta(seconds=1))
    assert client.get("/api/v1/queues").status_code == 200
    client.get("/api/v1/queues")
    assert acts(database_urls.platform, "view_as.%") == [
        ("Ann", "view_as.start", ann),
        ("Ann", "view_as.stop", ann),
    ]


def test_what_is_done_meanwhile_carries_the_real_name(
    client: AppClient, database_urls: DatabaseUrls, ann: UUID
) -> None:
    view(client, writes=True)
    ask(client, "PATCH", CLIENT, {"owner_name": "Sam Reyes"})
    client.post("/sign-out", data={"csrf_token": csrf_of(client, INSIDE)})
    assert ("Ann", "client.changed", ann) in acts(database_urls.platform)
    with psycopg.connect(database_urls.platform) as connection:
        query = "SELECT role, org_id, client_id FROM admin_audit_logs WHERE action = 'client.changed'"
        assert connection.execute(query).fetchall() == [("super_admin as workspace_admin", ORG_ID, CLIENT_ID)]
    assert acts(database_urls.platform, "view_as.%")[-1] == ("Ann", "view_as.stop", ann)


@pytest.mark.parametrize(
    "wrong", [{"minutes": 0}, {"minutes": 61}, {"reason": ""}, {"reason": "   "}, {"client_id": "x"}, {"role": "x"}]
)
def test_it_takes_a_client_a_time_and_a_reason(client: AppClient, wrong: dict[str, Any]) -> None:
    assert view(client, **wrong).status_code == 422


def test_a_client_that_does_not_exist_is_not_found(client: AppClient) -> None:
    assert view(client, client_id=str(ORG_ID)).status_code == 404


def test_whoever_looks_in_may_not_look_in_elsewhere_from_there(client: AppClient) -> None:
    view(client, writes=True)
    assert view(client, client_id=str(OTHER.client.id)).status_code == 403


@pytest.mark.usefixtures("ann")
def test_whoever_may_not_is_refused(settings: Settings, database_urls: DatabaseUrls) -> None:
    add_person(database_urls.platform, "bob@example.com", ("workspace_admin", ORG_ID, CLIENT_ID))
    with AppClient(create_app(settings)) as client:
        sign_in(client, "bob@example.com")
        assert view(client).status_code == 403


def test_taking_the_right_away_ends_the_view(client: AppClient, database_urls: DatabaseUrls, ann: UUID) -> None:
    view(client)
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("UPDATE memberships SET role = 'workspace_viewer' WHERE user_id = %s", (ann,))
    assert client.get(CLIENT).status_code == 403


def test_no_machine_looks_in(client: AppClient) -> None:
    bearer = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    new = {"client_id": str(CLIENT_ID), "minutes": 15, "reason": "Case 4711"}
    assert client.post("/api/v1/view-as", json=new, headers=bearer).status_code == 409
    assert client.request("DELETE", "/api/v1/view-as", headers=bearer).status_code == 403


@pytest.mark.usefixtures("ann")
def test_whoever_holds_the_admin_token_may_look_in(settings: Settings) -> None:
    with AppClient(create_app(settings)) as client:
        sign_in_by_token(client, ADMIN_TOKEN)
        assert view(client).status_code == 201
        assert client.get("/api/v1/queues").status_code == 403


@pytest.mark.usefixtures("ann")
def test_a_role_that_does_not_exist_is_named(settings: Settings) -> None:
    with AppClient(create_app(settings.model_copy(update={"view_as_role": "onlooker"}))) as client:
        sign_in_by_token(client, ADMIN_TOKEN)
        answer = view(client)
    assert answer.status_code == 409
    assert "onlooker" in answer.json()["detail"]
