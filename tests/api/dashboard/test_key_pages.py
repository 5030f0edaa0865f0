"""The page of API keys: made where the form said, shown once, replaced and ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from api.access.organization import CHOOSE
from domain.kernel.ids import PLATFORM_ORG_ID
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.demo_pages import choose, enter_as_platform, enter_demo, post, see, stored
from tests.support.signing_in import add_person, sign_in

if TYPE_CHECKING:
    import httpx

    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
KEYS = "/dashboard/keys"


@pytest.fixture
def urls(database_urls: DatabaseUrls, client: AppClient) -> DatabaseUrls:
    """Give a database with an organization, whose administrator signed in."""
    enter_demo(client, database_urls)
    return database_urls


def _shown_key(client: AppClient, answer: httpx.Response) -> str:
    """Return the key that was made, as the page shows it to which its form led."""
    assert answer.status_code == 303, answer.text
    found = re.search(r'id="key" value="([^"]+)"', see(client, answer.headers["location"]))
    assert found
    return found[1]


def test_a_key_is_shown_once_replaced_and_ended(client: AppClient, urls: DatabaseUrls) -> None:
    del urls
    key = _shown_key(client, post(client, KEYS, KEYS, name="Till", role="workspace_viewer", client=str(CLIENT_ID)))
    bearer = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    listed = see(client, KEYS)
    assert key not in listed
    assert "Till" in listed
    assert "Harbor Plumbing, of" in listed
    path = re.search(rf'action="({KEYS}/[^"]+)/rotate"', listed)
    assert path
    machine = f"/api/v1/clients/{CLIENT_ID}"
    assert client.get(machine, headers=bearer).status_code == 200
    replaced = post(client, f"{path[1]}/rotate", KEYS)
    assert "The one before works until" in see(client, replaced.headers["location"])
    assert post(client, f"{path[1]}/revoke", KEYS, reason="Lost").status_code == 303
    client.cookies.clear()
    assert client.get(machine, headers=bearer).status_code == 401


def test_a_key_is_not_made_again_by_loading_its_page_again_nor_shown_to_who_signs_in_next(
    client: AppClient, urls: DatabaseUrls
) -> None:
    made = f"{KEYS}/made"
    _shown_key(client, post(client, KEYS, KEYS, name="Till", role="workspace_viewer"))
    again = client.get(made)
    assert (again.status_code, again.headers["location"]) == (303, KEYS)
    assert "A key is shown once" in see(client, KEYS)
    assert post(client, KEYS, KEYS, name="Kept", role="workspace_viewer").status_code == 303
    add_person(urls.platform, "next@example.com", ("implementation_lead", ORGANIZATION_ID, None))
    client.cookies.delete("gatehouse")
    sign_in(client, "next@example.com")
    assert client.get(made).status_code == 303
    assert stored(urls, "api_keys") == 2


def test_a_key_whose_time_is_over_has_ended(client: AppClient, urls: DatabaseUrls) -> None:
    assert post(client, KEYS, KEYS, name="Till", role="workspace_viewer").status_code == 303
    assert "/revoke" in see(client, KEYS)
    with psycopg.connect(urls.superuser) as connection:
        connection.execute("UPDATE api_keys SET created_at = now() - interval '2 days', expires_at = now()")
    listed = see(client, KEYS)
    assert "<span>ended</span>" in listed
    assert "/revoke" not in listed


def test_who_chose_no_organization_makes_no_key_by_mistake_and_one_for_all_by_saying_so(
    client: AppClient, urls: DatabaseUrls
) -> None:
    assert "every organization" not in see(client, KEYS)
    assert post(client, KEYS, KEYS, name="Till", role="super_admin", org=str(PLATFORM_ORG_ID)).status_code == 409
    assert post(client, KEYS, KEYS, name="Till", role="workspace_viewer").status_code == 303
    enter_as_platform(client, urls)
    page = see(client, KEYS)
    assert f'href="{CHOOSE}?next={KEYS}"' in page
    assert 'name="client"' not in page
    assert "<td>All of Harbor Services</td>" in page
    assert '<option value="workspace_viewer">' not in page
    assert post(client, KEYS, KEYS, name="All", role="super_admin", org="").status_code == 422
    assert post(client, KEYS, KEYS, name="All", role="super_admin").status_code == 409
    assert stored(urls, "api_keys") == 1
    _shown_key(client, post(client, KEYS, KEYS, name="All", role="super_admin", org=str(PLATFORM_ORG_ID)))
    assert "<td>Gatehouse: every organization</td>" in see(client, KEYS)
    choose(client, ORGANIZATION_ID)
    assert "every organization" not in see(client, KEYS)
    assert post(client, KEYS, KEYS, name="All", role="super_admin", org=str(PLATFORM_ORG_ID)).status_code == 409
