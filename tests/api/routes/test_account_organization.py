"""Which organization the pages are about: chosen once by whoever belongs to several, and never more than is theirs."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import psycopg
import pytest

from api.access.organization import CHOOSE
from api.access.requires import Access, requires
from api.app import create_app
from domain.access.principal import Grant
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from tests.api.conftest import ADMIN_TOKEN
from tests.domain.clients.rows import add_organization
from tests.support.app_client import AppClient
from tests.support.people import PASSWORD, make_user
from tests.support.signing_in import csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    import httpx

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ADA = "ada@example.com"
PAGE = {"Accept": "text/html"}
WHERE = "/probe"


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"))) as opened:
        yield opened


@pytest.fixture
def places(database: Database) -> list[UUID]:
    """Give two organizations of hers, and one that is not."""
    return [add_organization(database, slug) for slug in ("acme", "other", "third")]


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    yield from _client(settings)


def _client(settings: Settings) -> Iterator[AppClient]:
    app = create_app(settings)

    @app.get(WHERE)
    def where(access: Annotated[Access, requires("clients.view")]) -> str:
        return str(access.org_id)

    with AppClient(app) as client:
        yield client


@pytest.fixture
def ada(client: AppClient, database: Database, places: list[UUID]) -> UUID:
    """Sign in with the client's browser as somebody of the first two."""
    user_id = make_user(database, ADA, *[Grant("implementation_lead", org_id) for org_id in places[:2]])
    assert sign_in(client, ADA, PASSWORD).status_code == 303
    return user_id


@pytest.mark.usefixtures("ada")
def test_pages_lead_to_the_choice_and_back_and_programs_are_told_in_words(
    client: AppClient, places: list[UUID]
) -> None:
    led = client.get(f"{WHERE}?a=1&b=2", headers=PAGE)
    assert (led.status_code, led.headers["location"]) == (303, f"{CHOOSE}?next=/probe%3Fa%3D1%26b%3D2")
    asked = client.get(WHERE)
    assert (asked.status_code, "X-Org-Id" in asked.json()["detail"]) == (422, True)
    shown = client.get(led.headers["location"], headers=PAGE).text
    assert re.findall(r'name="organization" value="([^"]*)"', shown) == [str(org_id) for org_id in places[:2]]
    assert 'name="next" value="/probe?a=1&amp;b=2"' in shown
    assert "All organizations" not in shown
    assert choose(client, places[1], "/probe?a=1&b=2").headers["location"] == "/probe?a=1&b=2"
    assert client.get(WHERE, headers=PAGE).json() == client.get(WHERE).json() == str(places[1])
    assert 'aria-current="true"' in client.get(CHOOSE, headers=PAGE).text
    choose(client, places[0])
    assert client.get(WHERE).json() == str(places[0])


@pytest.mark.usefixtures("ada")
def test_what_a_request_names_itself_goes_before_the_choice(client: AppClient, places: list[UUID]) -> None:
    choose(client, places[0])
    assert client.get(WHERE, headers={"X-Org-Id": str(places[1])}).json() == str(places[1])
    assert client.get(WHERE, headers={"X-Org-Id": str(places[2])}).status_code == 403


def test_a_choice_outlives_no_role(
    client: AppClient, ada: UUID, places: list[UUID], database_urls: DatabaseUrls
) -> None:
    choose(client, places[1])
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("DELETE FROM memberships WHERE user_id = %s AND org_id = %s", (ada, places[1]))
    assert client.get(WHERE).json() == str(places[0])


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("named", ["third", "nobodys", "platform", "", "no id", "all"])
def test_nothing_else_can_be_chosen(client: AppClient, places: list[UUID], named: str) -> None:
    others = {"third": places[2], "nobodys": new_id(), "platform": PLATFORM_ORG_ID}
    answer = choose(client, others.get(named, named))
    assert (answer.status_code, "You have no access to that organization." in answer.text) == (422, True)
    assert client.get(WHERE).status_code == 422


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\r\nb"])
def test_a_choice_leads_to_no_other_site(client: AppClient, places: list[UUID], wanted: str) -> None:
    assert "evil" not in client.get(CHOOSE, params={"next": wanted}, headers=PAGE).text
    led = choose(client, places[0], wanted).headers["location"]
    assert led == "/dashboard/journeys"


@pytest.mark.usefixtures("ada")
def test_a_choice_takes_a_token_of_our_pages_and_is_the_browsers_alone(
    client: AppClient, settings: Settings, places: list[UUID]
) -> None:
    assert client.post(CHOOSE, data={"organization": str(places[0])}).status_code == 403
    choose(client, places[0])
    for other in _client(settings):
        sign_in(other, ADA, PASSWORD)
        assert other.get(WHERE).status_code == 422
    sign_in(client, ADA, PASSWORD)
    assert client.get(WHERE).status_code == 422


def test_the_platform_searches_all_and_goes_back_to_all(client: AppClient, places: list[UUID]) -> None:
    sign_in_by_token(client, ADMIN_TOKEN)
    assert client.get(WHERE).json() == "None"
    shown = client.get(CHOOSE, headers=PAGE).text
    assert re.findall(r'name="organization" value="([^"]*)"', shown) == ["", *map(str, places)]
    found = client.get(CHOOSE, params={"q": "THIR", "next": "/probe"}, headers=PAGE).text
    assert re.findall(r'name="organization" value="([^"]*)"', found) == ["", str(places[2])]
    assert "No organization matches." in client.get(CHOOSE, params={"q": "%"}, headers=PAGE).text
    choose(client, places[2])
    assert client.get(WHERE).json() == str(places[2])
    choose(client, "")
    assert client.get(WHERE).json() == "None"


def test_the_platform_sees_so_many_and_is_told_that_there_are_more(client: AppClient, database: Database) -> None:
    for number in range(21):
        add_organization(database, f"org-{number}")
    sign_in_by_token(client, ADMIN_TOKEN)
    shown = client.get(CHOOSE, headers=PAGE).text
    assert len(re.findall(r'name="organization" value="[^"]', shown)) == 20
    assert "There are more." in shown


def test_who_belongs_to_one_needs_no_choice(client: AppClient, database: Database, places: list[UUID]) -> None:
    make_user(database, ADA, Grant("implementation_lead", places[0]))
    sign_in(client, ADA, PASSWORD)
    assert client.get(WHERE, headers=PAGE).json() == str(places[0])


@pytest.mark.parametrize(("default", "goes"), [("other", None), ("third", CHOOSE), ("nowhere", CHOOSE)])
def test_a_default_that_is_theirs_spares_the_choice(
    settings: Settings, database: Database, places: list[UUID], default: str, goes: str | None
) -> None:
    make_user(database, ADA, *[Grant("implementation_lead", org_id) for org_id in places[:2]])
    for client in _client(settings.model_copy(update={"default_organization": default})):
        sign_in(client, ADA, PASSWORD)
        answer = client.get(WHERE, headers=PAGE)
        if goes is None:
            assert answer.json() == str(places[1])
        else:
            assert answer.headers["location"].startswith(goes)
        choose(client, places[0])
        assert client.get(WHERE).json() == str(places[0])


def choose(client: httpx.Client, organization: object, wanted: str = "/dashboard/journeys") -> httpx.Response:
    """Send the form of the page."""
    form = {"organization": str(organization), "next": wanted, "csrf_token": csrf_of(client, CHOOSE)}
    return client.post(CHOOSE, data=form, headers=PAGE)
