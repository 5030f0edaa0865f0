"""Getting at more than one was given: by roles that are changed around it, and by what is given to oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import pytest
from sqlalchemy import text

from api.access.requires import Access, requires
from api.app import create_app
from config.places import CONFIG
from domain.access.roles.book import read_roles
from tests.support.app_client import AppClient
from tests.support.app_settings import ADMIN_TOKEN
from tests.support.signing_in import add_person, sign_in
from tests.support.whose import fill, new_keyholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls
    from tests.support.whose import Tenants

pytestmark = pytest.mark.integration
BOOK: Final = read_roles(CONFIG)
LEAD: Final = BOOK.scopes["implementation_lead"]
ALL: Final = BOOK.scopes["super_admin"]
# The strongest role, with all taken from it that a lead does not have; so it is harmless for a lead to give.
NARROWED: Final = {"permissions": {name: LEAD.get(name) for name in ALL if LEAD.get(name) != ALL[name]}}
OVERRIDE: Final = "/api/v1/roles/super_admin/override"


@pytest.fixture
def tenants(settings: Settings, database_urls: DatabaseUrls) -> Tenants:
    return fill(database_urls.superuser, settings)


@pytest.fixture
def app(settings: Settings, tenants: Tenants) -> FastAPI:
    del tenants
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[AppClient]:
    with AppClient(app) as client:
        yield client


@pytest.fixture
def lead(app: FastAPI, client: AppClient, tenants: Tenants) -> dict[str, str]:
    """Give what a lead of an organization sends."""
    del client
    return new_keyholder(app.state.database, BOOK, "implementation_lead", tenants.here.tenant.org).headers


def new_key(client: AppClient, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    """Let somebody make a key of the strongest role; return the status and what the key's holder sends."""
    answer = client.post("/api/v1/api-keys", json={"name": "mine", "role": "super_admin"}, headers=headers)
    return answer.status_code, {"Authorization": f"Bearer {answer.json().get('key')}"}


def archive(client: AppClient, tenants: Tenants, headers: dict[str, str]) -> int:
    """Let somebody do what no lead may; return the status."""
    path = f"/api/v1/clients/{tenants.here.tenant.client}/archive"
    return client.post(path, json={"reason": "Theirs now."}, headers=headers).status_code


@pytest.mark.parametrize(
    "widening",
    [None, {}, {"permissions": {name: None for name in NARROWED["permissions"] if name != "clients.archive"}}],
    ids=["removed", "emptied", "without one line"],
)
def test_a_role_that_was_narrowed_to_be_given_is_not_widened_by_whoever_gave_it(
    client: AppClient, tenants: Tenants, lead: dict[str, str], widening: dict[str, Any] | None
) -> None:
    assert new_key(client, lead)[0] == 403
    assert client.put(OVERRIDE, json=NARROWED, headers=lead).status_code == 200
    made, key = new_key(client, lead)
    assert made == 201
    if widening is None:
        answer = client.delete(OVERRIDE, headers=lead)
    else:
        answer = client.put(OVERRIDE, json=widening, headers=lead)
    assert answer.status_code == 403, answer.text
    assert archive(client, tenants, key) == 403
    assert client.get("/api/v1/roles/super_admin", headers=lead).json()["overridden"]


def test_what_the_platform_took_from_a_role_its_holders_do_not_take_back(
    client: AppClient, tenants: Tenants, lead: dict[str, str]
) -> None:
    path = "/api/v1/roles/implementation_lead/override"
    platform = {"Authorization": f"Bearer {ADMIN_TOKEN}", "X-Org-Id": str(tenants.here.tenant.org)}
    assert client.put(path, json={"permissions": {"users.change": None}}, headers=platform).status_code == 200
    assert client.delete(path, headers=lead).status_code == 403
    assert client.put(path, json={"display_name": "Lead"}, headers=lead).status_code == 403
    # What they have themselves they take and give back, and how the pages look is theirs.
    same = {"permissions": {"users.change": None, "leads.view": None}, "display_name": "Lead"}
    assert client.put(path, json=same, headers=lead).status_code == 200
    assert client.delete(path, headers=platform).status_code == 204


def test_a_role_that_was_narrowed_without_need_is_put_back_by_whoever_has_all_of_it(
    client: AppClient, lead: dict[str, str]
) -> None:
    path = "/api/v1/roles/workspace_viewer/override"
    assert client.put(path, json={"permissions": {"leads.view": None}}, headers=lead).status_code == 200
    assert client.delete(path, headers=lead).status_code == 204


def test_what_everybody_may_see_of_themselves_opens_nothing_to_somebody_without_a_role(
    app: FastAPI, tenants: Tenants, database_urls: DatabaseUrls
) -> None:
    org_id, client_id = tenants.elsewhere.tenant.org, tenants.elsewhere.tenant.client
    opened = {
        "scope": lambda access: access.scope(),
        "scope_of": lambda access: access.scope_of(org_id),
        "client_scope": lambda access: access.client_scope(client_id),
        "platform": lambda access: access.platform(),
    }

    @app.get("/probe/{way}")
    def probe(way: str, access: Annotated[Access, requires("account.view")]) -> int:
        with opened[way](access) as session:
            return len(session.execute(text("SELECT id FROM clients")).all())

    add_person(database_urls.platform, "nobody@example.com")
    with AppClient(app) as client:
        assert sign_in(client, "nobody@example.com").status_code == 303
        assert client.get("/api/v1/me").status_code == 200
        answers = {way: client.get(f"/probe/{way}").status_code for way in opened}
    assert answers == {"scope": 403, "scope_of": 403, "client_scope": 404, "platform": 403}
