"""Which of somebody's roles the audit log of an organization names: those there and on the platform."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from domain.access.principal import Grant
from domain.kernel.database import Database
from tests.support.people import PASSWORD as THEIR_PASSWORD
from tests.support.people import PLATFORM_ADMIN, make_place, make_user
from tests.support.signing_in import csrf_of, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from config.settings import Settings
    from tests.support.app_client import AppClient
    from tests.support.people import Place

pytestmark = pytest.mark.integration
PATH = "/api/v1/users"
BOSS = "boss@example.com"


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"))) as opened:
        yield opened


@pytest.fixture
def place(database: Database) -> Place:
    return make_place(database)


def test_what_somebody_is_elsewhere_is_not_in_the_log_of_an_organization(
    client: AppClient, database: Database, place: Place
) -> None:
    elsewhere = Grant("implementation_lead", make_place(database).org_id)
    make_user(database, BOSS, Grant("workspace_admin", place.org_id, place.client_id), elsewhere)
    sign_in(client, BOSS, THEIR_PASSWORD)
    here = {"X-Org-Id": str(place.org_id), "X-CSRF-Token": csrf_of(client, "/account")}
    assert client.post(PATH, json=invitation(place), headers=here).status_code == 201
    with database.platform_scope() as session:
        query = text("SELECT DISTINCT role FROM admin_audit_logs WHERE org_id = :org AND actor = 'Ada'")
        assert session.scalars(query, {"org": place.org_id}).all() == ["workspace_admin"]


@pytest.mark.parametrize("views", [False, True])
def test_nor_is_it_when_somebody_of_the_platform_named_no_organization_or_views_as_a_client(
    client: AppClient, database: Database, place: Place, *, views: bool
) -> None:
    elsewhere = Grant("implementation_lead", make_place(database).org_id)
    make_user(database, BOSS, PLATFORM_ADMIN, elsewhere)
    sign_in(client, BOSS, THEIR_PASSWORD)
    if views:
        wanted = {"client_id": str(place.client_id), "minutes": 5, "reason": "Case 4711", "writes": True}
        assert change(client, "POST", "/api/v1/view-as", wanted).status_code == 201
    assert change(client, "POST", PATH, invitation(place)).status_code == 201
    with database.platform_scope() as session:
        query = text("SELECT DISTINCT role FROM admin_audit_logs WHERE org_id = :org AND action = 'user.invited'")
        roles = session.scalars(query, {"org": place.org_id}).all()
    assert roles == ["super_admin as workspace_admin" if views else "super_admin"]


def invitation(place: Place) -> dict[str, str]:
    where = {"org_id": str(place.org_id), "client_id": str(place.client_id)}
    return {"email": "new@example.com", "role": "workspace_viewer", **where}


def change(client: httpx.Client, method: str, path: str, body: object = None) -> httpx.Response:
    """Send what a script of our own pages would."""
    return client.request(method, path, json=body, headers={"X-CSRF-Token": csrf_of(client, "/account")})
