"""The pages of clients, the gate and the audit log: what they show, what they change, and for whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from api.app import create_app
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from migrations.seeds.test import TENANT as OTHER
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.signing_in import add_person, csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    import httpx

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
HTML = {"Accept": "text/html"}
CLIENTS, GATE, AUDIT = "/dashboard/clients", "/dashboard/gate", "/dashboard/audit"
CLIENT = f"{CLIENTS}/{CLIENT_ID}"
_SWITCHES = "SELECT outbound_paused, ai_disabled FROM clients WHERE id = %s"
_BLOCK = (
    "INSERT INTO guard_logs (id, org_id, client_id, correlation_id, subject, guard, allowed, block, reason,"
    " rule_version) VALUES (%s, %s, %s, %s, 'message:1', %s, %s, %s, %s, '3')"
)


@pytest.fixture
def urls(database_urls: DatabaseUrls, client: AppClient) -> DatabaseUrls:
    """Give a database with two organizations, and have the client signed in with the admin token."""
    apply(database_urls.platform, "demo")
    apply(database_urls.platform, "test")
    sign_in_by_token(client, ADMIN_TOKEN)
    client.headers.update(HTML)
    return database_urls


def _see(client: AppClient, path: str, status: int = 200, /, **query: object) -> str:
    answer = client.get(path, params={name: str(value) for name, value in query.items()} or None)
    assert answer.status_code == status, answer.text
    return answer.text


def _post(client: AppClient, path: str, page: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"csrf_token": csrf_of(client, page), **fields})


def _rows(urls: DatabaseUrls, query: str, *parameters: object) -> list[tuple[object, ...]]:
    with psycopg.connect(urls.superuser) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def _blocked(urls: DatabaseUrls, org_id: UUID, client_id: UUID, guard: str, why: str, *, block: str = "hard") -> UUID:
    journey = new_id()
    with psycopg.connect(urls.superuser) as connection:
        connection.execute(_BLOCK, (new_id(), org_id, client_id, journey, guard, False, block, why))
        connection.execute(_BLOCK, (new_id(), org_id, client_id, journey, guard, True, None, "It passed."))
    return journey


def _viewer(urls: DatabaseUrls, client: AppClient) -> None:
    add_person(urls.platform, "vi@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID))
    client.cookies.clear()
    sign_in(client, "vi@example.com")


def test_clients_are_listed_and_narrowed(client: AppClient, urls: DatabaseUrls) -> None:
    del urls
    page = _see(client, CLIENTS)
    assert "Harbor Plumbing" in page
    assert OTHER.client.name in page
    narrowed = _see(client, CLIENTS, name="harbor")
    assert "Harbor Plumbing" in narrowed
    assert OTHER.client.name not in narrowed
    assert "Harbor Plumbing" not in _see(client, CLIENTS, org=OTHER.organization_id)
    assert "No client fits" in _see(client, CLIENTS, state="archived")
    assert "Harbor Plumbing" in _see(client, CLIENTS, format="csv")


def test_a_client_shows_what_holds_now_and_what_replies_state(client: AppClient, urls: DatabaseUrls) -> None:
    del urls
    page = _see(client, CLIENT)
    for words in ("Customers are answered", "Knowledge base", "Chat bots", "Quiet hours"):
        assert words in page
    assert "There is no" in _see(client, f"{CLIENTS}/{new_id()}", 404)


def test_a_switch_is_thrown_with_a_reason_and_its_block_explained(client: AppClient, urls: DatabaseUrls) -> None:
    assert _post(client, f"{CLIENT}/switches/outbound_paused/pause", CLIENT).status_code == 422
    answer = _post(client, f"{CLIENT}/switches/outbound_paused/pause", CLIENT, reason="They asked us to")
    assert (answer.status_code, urlsplit(answer.headers["location"]).path) == (303, CLIENT)
    assert _rows(urls, _SWITCHES, CLIENT_ID) == [(True, False)]
    after = _see(client, CLIENT)
    assert "Nothing is sent, neither to customers nor to the owner" in after
    assert "Customers are not answered" in after
    assert "Harbor Plumbing" in _see(client, GATE)
    assert "They asked us to" in _see(client, AUDIT, action="client.switch_thrown")
    assert _post(client, f"{CLIENT}/switches/outbound_paused/resume", CLIENT, reason="Over").status_code == 303
    assert _rows(urls, _SWITCHES, CLIENT_ID) == [(False, False)]


def test_an_address_that_names_no_way_to_throw_a_switch_changes_nothing(client: AppClient, urls: DatabaseUrls) -> None:
    assert _post(client, f"{CLIENT}/switches/ai_disabled/flip", CLIENT, reason="x").status_code == 404
    assert _rows(urls, _SWITCHES, CLIENT_ID) == [(False, False)]


def test_a_viewer_sees_their_client_and_can_change_nothing(client: AppClient, urls: DatabaseUrls) -> None:
    _viewer(urls, client)
    page = _see(client, CLIENT)
    assert "Switches" in page
    assert "/switches/" not in page
    assert "/dashboard/view-as" not in page
    assert _post(client, f"{CLIENT}/switches/ai_disabled/pause", CLIENT, reason="x").status_code == 403
    assert _post(client, f"{CLIENT}/go-live", CLIENT).status_code == 403
    assert _see(client, f"{CLIENTS}/{OTHER.client.id}", 404)
    assert _rows(urls, _SWITCHES, CLIENT_ID) == [(False, False)]


def _role(directory: Path, name: str, **permissions: str) -> None:
    """Write the file of one more role; `clients_view` stands for `clients.view`."""
    document = {"schema": 2, "role": name, "version": 1, "display_name": name, "about": name, "inherits": "base"}
    allowed = {permission.replace("_", ".", 1): scope for permission, scope in permissions.items()}
    (directory / f"{name}.v1.json").write_text(json.dumps(document | {"permissions": allowed}))


def test_what_one_role_shows_of_its_client_another_does_not_show_of_all(
    settings: Settings, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    apply(database_urls.platform, "demo")
    fresh, url = new_id(), database_urls.platform
    with psycopg.connect(database_urls.superuser) as connection:
        connection.execute(
            "INSERT INTO clients (id, org_id, slug, name) VALUES (%s, %s, 'new', 'New')", [fresh, ORGANIZATION_ID]
        )
    _role(tmp_path, "greeter", clients_view="organization")
    of_all, of_one = ("greeter", ORGANIZATION_ID, None), ("workspace_admin", ORGANIZATION_ID, CLIENT_ID)
    add_person(url, "gil@example.com", of_all, of_one)
    app = create_app(settings.model_copy(update={"roles_dir": tmp_path}))
    with AppClient(app) as client:
        sign_in(client, "gil@example.com")
        client.headers.update(HTML)
        offered = "Knowledge base", "/dashboard/journeys?client="
        its, other = _see(client, CLIENT), _see(client, f"{CLIENTS}/{fresh}")
        assert [words in its for words in offered] == [True, True]
        assert [words in other for words in offered] == [False, False]
        switch = "switches/ai_disabled/pause"
        assert (switch in its, switch in other) == (True, False)


def test_switches_of_the_platform_are_shown_to_whose_other_role_sees_them(
    settings: Settings, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    apply(database_urls.platform, "demo")
    _role(tmp_path, "switchman", flags_view="platform")
    of_platform, of_one = ("switchman", PLATFORM_ORG_ID, None), ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID)
    add_person(database_urls.platform, "sam@example.com", of_platform, of_one)
    app = create_app(settings.model_copy(update={"roles_dir": tmp_path}))
    with AppClient(app) as client:
        sign_in(client, "sam@example.com")
        client.headers.update(HTML | {"X-Org-Id": str(ORGANIZATION_ID)})
        page = _see(client, GATE)
        assert "Outbound, for everybody" in page
        assert f"{GATE}/switches/" not in page


def test_a_client_goes_live_when_it_lacks_nothing(client: AppClient, urls: DatabaseUrls) -> None:
    fresh = new_id()
    with psycopg.connect(urls.superuser) as connection:
        connection.execute(
            "INSERT INTO clients (id, org_id, slug, name, sms_number) VALUES (%s, %s, 'new', 'New', '+15005550099')",
            [fresh, ORGANIZATION_ID],
        )
    path = f"{CLIENTS}/{fresh}"
    page = _see(client, path)
    assert "It can go live once it has an owner to alert" in page
    assert "/go-live" not in page
    assert _post(client, f"{path}/go-live", path).status_code == 409
    with psycopg.connect(urls.superuser) as connection:
        connection.execute("UPDATE clients SET owner_email = 'owner@example.com' WHERE id = %s", [fresh])
    assert "/go-live" in _see(client, path)
    assert _post(client, f"{path}/go-live", path).status_code == 303
    assert "is live" in _see(client, path)


def test_whoever_may_sees_the_pages_as_a_client_from_its_page(client: AppClient, urls: DatabaseUrls) -> None:
    del urls
    answer = _post(client, "/dashboard/view-as", CLIENT, client_id=str(CLIENT_ID), reason="Case 4711")
    assert answer.status_code == 303
    assert "You see this as Harbor Plumbing does" in _see(client, CLIENT)
    assert "/switches/" not in _see(client, CLIENT)


def test_blocks_are_listed_by_guard_client_and_time(client: AppClient, urls: DatabaseUrls) -> None:
    journey = _blocked(urls, ORGANIZATION_ID, CLIENT_ID, "can_send_sms", "They opted out.")
    _blocked(urls, OTHER.organization_id, OTHER.client.id, "billing_in_order", "The trial is over.", block="soft")
    page = _see(client, GATE)
    assert page.index("The trial is over.") < page.index("They opted out.")
    assert f"/dashboard/journeys/{journey}" in page
    assert "It passed." not in page
    assert "The trial is over." not in _see(client, GATE, guard="can_send_sms")
    assert "They opted out." not in _see(client, GATE, client=OTHER.client.id)
    assert "The gate stopped nothing that fits" in _see(client, GATE, time="between", ends="2001-01-01T00:00")
    assert "They opted out." in _see(client, GATE, format="csv")


def test_a_tenant_sees_its_own_blocks_alone_and_no_switch_of_the_platform(
    client: AppClient, urls: DatabaseUrls
) -> None:
    _blocked(urls, ORGANIZATION_ID, CLIENT_ID, "can_send_sms", "They opted out.")
    _blocked(urls, OTHER.organization_id, OTHER.client.id, "billing_in_order", "The trial is over.")
    _viewer(urls, client)
    page = _see(client, GATE)
    assert "They opted out." in page
    assert "The trial is over." not in page
    assert "Switches of the platform" not in page
    assert _post(client, f"{GATE}/switches/platform.outbound_stopped/stop", GATE, reason="x").status_code == 403


def test_a_switch_of_the_platform_is_thrown_with_a_reason(client: AppClient, urls: DatabaseUrls) -> None:
    assert _post(client, f"{GATE}/switches/platform.outbound_stopped/stop", GATE, reason="A leak").status_code == 303
    stored = "SELECT default_value FROM flags WHERE key = 'platform.outbound_stopped'"
    assert _rows(urls, stored) == [(True,)]
    assert "Outbound, for everybody: stopped." in _see(client, GATE)
    assert _post(client, f"{GATE}/switches/platform.outbound_stopped/resume", GATE, reason="Mended").status_code == 303
    assert _rows(urls, stored) == [(False,)]


def test_the_audit_log_is_found_by_person_thing_and_action(client: AppClient, urls: DatabaseUrls) -> None:
    del urls
    _post(client, f"{CLIENT}/switches/ai_disabled/pause", CLIENT, reason="Wrong prices")
    found = _see(client, AUDIT, target_id=CLIENT_ID)
    assert "Wrong prices" in found
    assert "Nothing that was done fits" in _see(client, AUDIT, target_id="nothing")
    entry = found.split(f'href="{AUDIT}/')[1].split('"')[0]
    page = _see(client, f"{AUDIT}/{entry}")
    for words in ("Wrong prices", "ai disabled", "false", "true", "client.switch_thrown"):
        assert words in page
    assert "There is no" in _see(client, f"{AUDIT}/{new_id()}", 404)
    assert "There is no" in _see(client, f"{AUDIT}/1", 404)
