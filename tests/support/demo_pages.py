"""The pages of the demo's organization, as people see them who sign in there: shown, and their forms sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

import psycopg
from psycopg import sql

from api.access.organization import CHOOSE
from domain.kernel.ids import PLATFORM_ORG_ID
from migrations.seeds import apply
from migrations.seeds.demo import ORGANIZATION_ID
from tests.support.signing_in import add_person, csrf_of, sign_in

if TYPE_CHECKING:
    from uuid import UUID

    import httpx

    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

_HTML: Final = {"Accept": "text/html"}


def enter_demo(client: AppClient, urls: DatabaseUrls) -> None:
    """Make the organization, and sign in as ann@example.com, who administers it."""
    apply(urls.platform, "demo")
    enter(client, urls, "ann@example.com", "implementation_lead")
    client.headers.update(_HTML)


def enter(client: AppClient, urls: DatabaseUrls, email: str, role: str, client_id: UUID | None = None) -> None:
    """Sign in as somebody new with a role in the organization, or for one client of it."""
    name = email.partition("@")[0].title()
    add_person(urls.platform, email, (role, ORGANIZATION_ID, client_id), name=name)
    client.cookies.clear()
    sign_in(client, email)


def enter_as_platform(client: AppClient, urls: DatabaseUrls) -> None:
    """Sign in as somebody new of the platform, who looks at all organizations."""
    add_person(urls.platform, "root@example.com", ("super_admin", PLATFORM_ORG_ID, None))
    client.cookies.clear()
    sign_in(client, "root@example.com")


def choose(client: AppClient, org_id: UUID) -> None:
    """Choose the organization that the pages are about."""
    assert post(client, CHOOSE, CHOOSE, organization=str(org_id)).status_code == 303


def see(client: AppClient, path: str, status: int = 200, /, **query: object) -> str:
    """Return a page, after its status was looked at."""
    answer = client.get(path, params={name: str(value) for name, value in query.items()} or None)
    assert answer.status_code == status, answer.text
    return answer.text


def post(client: AppClient, path: str, page: str, /, **fields: str) -> httpx.Response:
    """Send a form with the token of a page, drawn for the demo's organization unless `org` says otherwise."""
    return client.post(path, data={"csrf_token": csrf_of(client, page), "org": str(ORGANIZATION_ID)} | fields)


def stored(urls: DatabaseUrls, table: LiteralString) -> int:
    """Return how many rows a table has."""
    with psycopg.connect(urls.superuser) as connection:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert row is not None
    return int(row[0])
