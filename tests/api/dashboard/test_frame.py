"""What stands around pages: what is offered to whom, in whose colours, and messages that are said once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest
from fastapi import Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import public
from api.app import create_app
from api.dashboard.flash import flash
from domain.kernel.ids import PLATFORM_ORG_ID
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.app_client import AppClient
from tests.support.signing_in import add_person, csrf_of, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
PAGE = {"Accept": "text/html"}
EMAIL = "ada@example.com"
OFFERED = re.compile(r'<li><a href="(/[a-z/-]+)"')


@pytest.fixture
def client(settings: Settings, database_urls: DatabaseUrls) -> Iterator[AppClient]:
    apply(database_urls.platform, "demo")
    app = create_app(settings)

    @app.get("/say", dependencies=[public("a test's own")])
    def say(request: Request) -> Response:
        response = RedirectResponse("/account", status_code=303)
        flash(request, response, "The queue is <b>paused</b>.")
        return response

    with AppClient(app) as client:
        client.headers.update(PAGE)
        yield client


def test_only_pages_that_exist_and_may_be_seen_are_offered(client: AppClient, database_urls: DatabaseUrls) -> None:
    add_person(database_urls.platform, EMAIL, ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID))
    sign_in(client, EMAIL)
    offered = OFFERED.findall(client.get("/account").text)
    assert "/dashboard/journeys" in offered
    assert "/dashboard/queues" not in offered
    assert "/sandbox" not in offered
    assert {path: client.get(path).status_code for path in offered} == dict.fromkeys(offered, 200)


def test_the_page_that_is_shown_is_marked_and_the_organization_named(
    client: AppClient, database_urls: DatabaseUrls
) -> None:
    add_person(database_urls.platform, EMAIL, ("workspace_admin", ORGANIZATION_ID, None))
    sign_in(client, EMAIL)
    shown = client.get("/dashboard/journeys").text
    assert '<a href="/dashboard/journeys" aria-current="page">' in shown
    assert shown.count("aria-current") == 1
    assert "Harbor Services" in shown


def test_pages_have_the_colours_of_the_role_and_of_the_browsers_choice(
    client: AppClient, database_urls: DatabaseUrls
) -> None:
    add_person(database_urls.platform, EMAIL, ("super_admin", PLATFORM_ORG_ID, None))
    sign_in(client, EMAIL)
    shown = client.get("/account").text
    assert "light-dark(#4338ca, #a5b4fc)" in shown
    assert "data-bs-theme" not in shown
    for theme, expected in (("dark", 'data-bs-theme="dark"'), ("light", 'data-bs-theme="light"'), ("system", "")):
        form = {"theme": theme, "csrf_token": csrf_of(client, "/account")}
        answer = client.post("/dashboard/theme", data=form, headers={"Referer": "http://testserver/account"})
        assert answer.headers["location"] == "/account"
        assert expected in client.get("/account").text
    assert "data-bs-theme" not in client.get("/account").text


@pytest.mark.parametrize("referer", ["https://evil.example/x", "http://testserver//evil.example/x", "", "nonsense"])
def test_choosing_colours_leads_to_no_other_site(client: AppClient, database_urls: DatabaseUrls, referer: str) -> None:
    add_person(database_urls.platform, EMAIL, ("super_admin", PLATFORM_ORG_ID, None))
    sign_in(client, EMAIL)
    form = {"theme": "dark", "csrf_token": csrf_of(client, "/account")}
    answer = client.post("/dashboard/theme", data=form, headers={"Referer": referer})
    assert answer.headers["location"] == "/account"


def test_a_message_is_said_once_and_never_as_markup(client: AppClient, database_urls: DatabaseUrls) -> None:
    add_person(database_urls.platform, EMAIL, ("super_admin", PLATFORM_ORG_ID, None))
    sign_in(client, EMAIL)
    client.get("/say")
    part = client.get("/account", headers={"HX-Request": "true"}).text
    assert "The queue is" not in part
    assert "The queue is &lt;b&gt;paused&lt;/b&gt;." in client.get("/account").text
    assert "The queue is" not in client.get("/account").text


def test_a_page_says_nothing_that_somebody_put_into_the_cookie(client: AppClient, database_urls: DatabaseUrls) -> None:
    add_person(database_urls.platform, EMAIL, ("super_admin", PLATFORM_ORG_ID, None))
    sign_in(client, EMAIL)
    client.cookies.set("gatehouse-said", '{"words": "Call this number", "tone": "bad"}')
    assert "Call this number" not in client.get("/account").text


def test_times_stand_in_the_zone_of_the_account(client: AppClient, database_urls: DatabaseUrls) -> None:
    user_id = add_person(database_urls.platform, EMAIL, ("super_admin", PLATFORM_ORG_ID, None))
    sign_in(client, EMAIL)
    assert "(UTC)" in client.get("/dashboard/journeys").text
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("UPDATE users SET timezone = 'Europe/Vienna' WHERE id = %s", (user_id,))
    assert "(UTC)" not in client.get("/dashboard/journeys").text


def test_files_are_kept_for_good_when_asked_for_by_their_content(client: AppClient) -> None:
    address = re.search(r'href="(/assets/gatehouse\.css\?v=\w+)"', client.get("/sign-in").text)
    assert address is not None
    kept = client.get(address[1], headers={"Accept-Encoding": "gzip"})
    assert "immutable" in kept.headers["cache-control"]
    assert kept.headers["content-encoding"] == "gzip"
    assert "--ground" in kept.text
    plain = client.get("/assets/gatehouse.css?v=0000", headers={"Accept-Encoding": "identity"})
    assert plain.headers["cache-control"] == "no-cache"
    assert plain.text == kept.text
    assert client.get("/assets/../templates/base.html").status_code == 404
