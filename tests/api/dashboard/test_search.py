"""The search over everything: it finds what one may see, leads there, and shows nothing of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest

from api.app import create_app
from config.places import CONFIG
from domain.access.roles.book import read_roles
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.whose import ELSEWHERE, Tenants, fill, new_keyholder

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
BOOK = read_roles(CONFIG)
NUMBER = "+12125550142"


@dataclass(frozen=True, slots=True)
class House:
    """An application with two organizations' rows."""

    app: FastAPI
    client: AppClient
    tenants: Tenants
    urls: DatabaseUrls

    def search(self, words: str, token: str = ADMIN_TOKEN) -> str:
        """Return the page that shows what was found."""
        answer = self._ask(words, token)
        assert answer.status_code == 200, answer.text
        return answer.text

    def finds(self, path: str, shown: str) -> bool:
        """Whether the id at a path's end leads there, or, while there is no such page, shows what it is."""
        answer = self._ask(path.rpartition("/")[2], ADMIN_TOKEN)
        return answer.headers.get("location") == path if answer.is_redirect else shown in answer.text

    def _ask(self, words: str, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/html"}
        return self.client.get("/dashboard/search", params={"q": words}, headers=headers)

    def key_of(self, role: str, *, of_one_client: bool = False) -> str:
        """Return a key with a role in the first organization."""
        here = self.tenants.here.tenant
        client = here.client if of_one_client else None
        return new_keyholder(self.app.state.database, BOOK, role, here.org, client).key


@pytest.fixture
def house(settings: Settings, database_urls: DatabaseUrls) -> Iterator[House]:
    tenants = fill(database_urls.superuser, settings)
    with psycopg.connect(database_urls.superuser) as connection:
        connection.execute(
            "UPDATE clients SET name = 'Harbor Plumbing', sms_number = %s WHERE id = %s",
            (NUMBER, tenants.here.tenant.client),
        )
    app = create_app(settings)
    with AppClient(app) as client:
        yield House(app, client, tenants, database_urls)


def test_a_client_is_found_by_its_name_number_and_id(house: House) -> None:
    for words in ("harbor", "plumbing", "+1 212 555 0142"):
        assert "Harbor Plumbing" in house.search(words), words
    assert house.finds(f"/dashboard/clients/{house.tenants.here.tenant.client}", "Harbor Plumbing")
    assert "Nothing of what you may see" in house.search("Nobody of that name")


def test_an_organization_is_found_by_its_name_and_id(house: House) -> None:
    assert ELSEWHERE in house.search(ELSEWHERE)
    assert ELSEWHERE in house.search(str(house.tenants.elsewhere.tenant.org))


def test_the_id_of_a_job_finds_it(house: House) -> None:
    with psycopg.connect(house.urls.superuser) as connection:
        row = connection.execute("SELECT id FROM jobs WHERE org_id = %s", (house.tenants.here.tenant.org,)).fetchone()
    assert row is not None
    assert house.finds(f"/dashboard/jobs/{row[0]}", "test.note")


def test_a_person_is_found_by_their_name_and_address_where_they_have_a_role(house: House) -> None:
    with psycopg.connect(house.urls.superuser) as connection:
        change = "UPDATE users SET name = 'Ada Byron', email = 'ada@example.com' WHERE id = %s"
        connection.execute(change, (house.tenants.here.tenant.user,))
        change = "UPDATE users SET name = 'Ada Elsewhere' WHERE id = %s"
        connection.execute(change, (house.tenants.elsewhere.tenant.user,))
    admin = house.key_of("workspace_admin")
    for words in ("byron", "ada@example", "Ada@Example.com"):
        assert "Ada Byron" in house.search(words, admin), words
    assert "Ada Elsewhere" not in house.search("ada", admin)
    assert "Ada Elsewhere" in house.search("ada")


def test_nobody_finds_anything_of_another_organization(house: House) -> None:
    key = house.key_of("workspace_admin")
    elsewhere = house.tenants.elsewhere.tenant
    assert "Harbor Plumbing" in house.search("harbor", key)
    for words in (ELSEWHERE, str(elsewhere.client), str(elsewhere.org), str(elsewhere.user)):
        assert "Nothing of what you may see" in house.search(words, key), words


def test_who_is_of_one_client_finds_no_other(house: House) -> None:
    key = house.key_of("workspace_viewer", of_one_client=True)
    assert "Harbor Plumbing" in house.search("harbor", key)
    assert "Nothing of what you may see" in house.search(str(house.tenants.beside.tenant.client), key)


def test_the_page_says_what_can_be_looked_up_and_what_one_may_not_is_not_offered(house: House) -> None:
    assert "The id of a job" in house.search("")
    shown = house.search("", house.key_of("workspace_viewer", of_one_client=True))
    assert "The id of a job" not in shown
    assert "A client&#39;s name, number or id" in shown


def test_what_is_searched_for_is_never_markup(house: House) -> None:
    assert "<script>alert" not in house.search("<script>alert(1)</script>")
