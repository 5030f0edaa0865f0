"""The pages of people, roles and keys: who has access, given and taken, and keys that are shown once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from domain.kernel.ids import PLATFORM_ORG_ID
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.signing_in import add_person, csrf_of, sign_in

if TYPE_CHECKING:
    from uuid import UUID

    import httpx

    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
HTML = {"Accept": "text/html"}
USERS, KEYS, ROLES = "/dashboard/users", "/dashboard/keys", "/dashboard/roles"
_HELD = b"SELECT role, accepted_at IS NOT NULL FROM memberships WHERE user_id = %s ORDER BY id"


@pytest.fixture
def urls(database_urls: DatabaseUrls, client: AppClient) -> DatabaseUrls:
    """Give a database with an organization, whose administrator signed in."""
    apply(database_urls.platform, "demo")
    _enter(client, database_urls, "ann@example.com", "implementation_lead")
    client.headers.update(HTML)
    return database_urls


def _enter(client: AppClient, urls: DatabaseUrls, email: str, role: str) -> UUID:
    user_id = add_person(urls.platform, email, (role, ORGANIZATION_ID, None), name=email.partition("@")[0].title())
    client.cookies.clear()
    sign_in(client, email)
    return user_id


def _see(client: AppClient, path: str, status: int = 200, /, **query: object) -> str:
    answer = client.get(path, params={name: str(value) for name, value in query.items()} or None)
    assert answer.status_code == status, answer.text
    return answer.text


def _post(client: AppClient, path: str, page: str, /, **fields: str) -> httpx.Response:
    return client.post(path, data={"csrf_token": csrf_of(client, page)} | fields)


def _held(urls: DatabaseUrls, user_id: UUID) -> list[tuple[object, ...]]:
    with psycopg.connect(urls.superuser) as connection:
        return connection.execute(_HELD, [user_id]).fetchall()


def test_people_are_listed_narrowed_and_shown(client: AppClient, urls: DatabaseUrls) -> None:
    bob = add_person(urls.platform, "bob@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID), name="Bob")
    page = _see(client, USERS)
    assert "Ann" in page
    assert "Bob" in page
    assert "Bob" not in _see(client, USERS, role="implementation_lead")
    assert "Nobody fits" in _see(client, USERS, search="nobody")
    person = _see(client, f"{USERS}/{bob}")
    assert "Harbor Plumbing, of" in person
    assert "Signed in last" not in person


def test_somebody_is_invited_and_waits_for_their_own_word(client: AppClient, urls: DatabaseUrls) -> None:
    answer = _post(client, USERS, USERS, email="new@example.com", role="workspace_viewer", client=str(CLIENT_ID))
    assert answer.status_code == 303, answer.text
    assert "new@example.com is invited" in _see(client, USERS)
    with psycopg.connect(urls.superuser) as connection:
        pending = connection.execute("SELECT count(*) FROM memberships WHERE accepted_at IS NULL").fetchone()
    assert pending == (1,)
    assert _post(client, USERS, USERS, email="x", role="No Role").status_code == 422


def test_a_role_is_given_and_taken(client: AppClient, urls: DatabaseUrls) -> None:
    bob = add_person(urls.platform, "bob@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID), name="Bob")
    path = f"{USERS}/{bob}"
    assert _post(client, f"{path}/roles", path, role="implementation_lead").status_code == 303
    assert _held(urls, bob) == [("workspace_viewer", True), ("implementation_lead", True)]
    taken = re.findall(r'action="([^"]+/take)"', _see(client, path))
    assert len(taken) == 2
    assert _post(client, taken[0], path).status_code == 303
    assert _held(urls, bob) == [("implementation_lead", True)]


def test_nobody_gives_more_than_they_have(client: AppClient, urls: DatabaseUrls) -> None:
    bob = add_person(urls.platform, "bob@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID), name="Bob")
    path = f"{USERS}/{bob}"
    assert _post(client, f"{path}/roles", path, role="super_admin").status_code == 403
    assert _held(urls, bob) == [("workspace_viewer", True)]
    assert "/disable" not in _see(client, path)
    assert _post(client, f"{path}/disable", path, reason="x").status_code == 403


def test_the_platform_lets_somebody_in_no_more_and_again(client: AppClient, urls: DatabaseUrls) -> None:
    bob = add_person(urls.platform, "bob@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID), name="Bob")
    add_person(urls.platform, "root@example.com", ("super_admin", PLATFORM_ORG_ID, None))
    client.cookies.clear()
    sign_in(client, "root@example.com")
    path = f"{USERS}/{bob}"
    assert _post(client, f"{path}/disable", path, reason="Left the company").status_code == 303
    page = _see(client, path)
    assert "Left the company" in page
    assert "Let them in again?" in page
    assert _post(client, f"{path}/enable", path).status_code == 303
    assert "Left the company" not in _see(client, path)


def test_a_key_is_shown_once_replaced_and_ended(client: AppClient, urls: DatabaseUrls) -> None:
    del urls
    made = _post(client, KEYS, KEYS, name="Till", role="workspace_viewer", client=str(CLIENT_ID))
    assert made.status_code == 201, made.text
    found = re.search(r'id="key" value="([^"]+)"', made.text)
    assert found
    key = found[1]
    bearer = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    listed = _see(client, KEYS)
    assert key not in listed
    assert "Till" in listed
    path = re.search(rf'action="({KEYS}/[^"]+)/rotate"', listed)
    assert path
    machine = f"/api/v1/clients/{CLIENT_ID}"
    assert client.get(machine, headers=bearer).status_code == 200
    replaced = _post(client, f"{path[1]}/rotate", KEYS)
    assert replaced.status_code == 201
    assert key not in replaced.text
    assert _post(client, f"{path[1]}/revoke", KEYS, reason="Lost").status_code == 303
    client.cookies.clear()
    assert client.get(machine, headers=bearer).status_code == 401


def test_roles_are_shown_with_how_far_they_go(client: AppClient, urls: DatabaseUrls) -> None:
    del urls
    page = _see(client, ROLES)
    assert "Workspace viewer" in page
    assert "Throw a client&#39;s kill switches" in page


@pytest.mark.parametrize("path", [USERS, KEYS, ROLES])
def test_who_manages_nobody_sees_none_of_it(client: AppClient, urls: DatabaseUrls, path: str) -> None:
    add_person(urls.platform, "vi@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID))
    client.cookies.clear()
    sign_in(client, "vi@example.com")
    _see(client, path, 403)
