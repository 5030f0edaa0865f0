"""Attacks on people's sessions: planting one, reading one, borrowing one, and leading whoever signs in elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.routes.sign_in import HOME, local
from config.settings import Settings
from domain.kernel.ids import PLATFORM_ORG_ID
from tests.support.app_client import AppClient
from tests.support.app_settings import ADMIN_TOKEN
from tests.support.signing_in import add_person, csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ANN: Final = "ann@example.com"
BOB: Final = "bob@example.com"
INSIDE: Final = "/dashboard/journeys"
CHANGE: Final = "/api/v1/sessions"
HTTPS: Final = "https://texts.example.com"


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    for email in (ANN, BOB):
        add_person(database_urls.platform, email, ("super_admin", PLATFORM_ORG_ID, None))
    return settings


@pytest.fixture
def other(settings: Settings) -> Iterator[AppClient]:
    with AppClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def secure(settings: Settings) -> Iterator[AppClient]:
    """Give a browser on an installation with https."""
    app = create_app(settings.model_copy(update={"public_url": HTTPS}))
    with AppClient(app, base_url=HTTPS) as client:
        yield client


def test_a_planted_cookie_becomes_no_session(client: AppClient, other: AppClient, database_urls: DatabaseUrls) -> None:
    sign_in(other, BOB)
    theirs = other.cookies["gatehouse"]
    for planted in ("planted-by-somebody", theirs):
        client.cookies.clear()
        client.cookies.set("gatehouse", planted)
        sign_in(client, ANN)
        held = [cookie.value for cookie in client.cookies.jar if cookie.name == "gatehouse"]
        assert planted != held[-1]
    with psycopg.connect(database_urls.platform) as connection:
        (planted_rows,) = connection.execute(
            "SELECT count(*) FROM user_sessions WHERE token_hash IN (sha256(%s), sha256(%s))",
            (b"planted-by-somebody", theirs.encode()),
        ).fetchone() or (None,)
    assert planted_rows == 0


def test_a_session_before_signing_in_does_not_outlive_it(client: AppClient) -> None:
    sign_in(client, BOB)
    before = client.cookies["gatehouse"]
    sign_in_by_token(client, ADMIN_TOKEN)
    assert client.cookies["gatehouse"] != before
    assert client.get(INSIDE, headers={"Cookie": f"gatehouse={before}"}).status_code == 401


def test_cookies_are_out_of_reach_for_scripts_and_other_sites(client: AppClient) -> None:
    for name, cookie in _cookies(client).items():
        assert cookie["httponly"], name
        assert cookie["samesite"] == "lax", name
        assert cookie["path"] == "/", name
        assert not cookie["domain"], name
        assert not cookie["secure"], name


def test_over_https_cookies_are_bound_to_it_and_to_this_host(secure: AppClient) -> None:
    found = _cookies(secure)
    assert set(found) == {"__Host-gatehouse-form", "__Host-gatehouse", "__Host-gatehouse-code"}
    for name, cookie in found.items():
        assert cookie["secure"], name
        assert cookie["httponly"], name
        assert cookie["path"] == "/", name
        assert not cookie["domain"], name
    assert secure.get(INSIDE).status_code == 200


def test_over_https_a_cookie_without_the_prefix_is_nobodys(secure: AppClient) -> None:
    sign_in(secure, ANN)
    token = secure.cookies["__Host-gatehouse"]
    secure.cookies.clear()
    assert secure.get(INSIDE, headers={"Cookie": f"gatehouse={token}"}).status_code == 401


@pytest.mark.parametrize(
    "attack",
    [
        {},
        {"X-CSRF-Token": "made-up"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "X-CSRF-Token": "own"},
        {"Origin": "null", "X-CSRF-Token": "own"},
        {"Sec-Fetch-Site": "same-site", "X-CSRF-Token": "own"},
        {"X-CSRF-Token": "another's"},
        {"X-CSRF-Token": "of no session"},
    ],
    ids=str,
)
def test_another_site_changes_nothing_with_a_borrowed_cookie(
    client: AppClient, other: AppClient, attack: dict[str, str]
) -> None:
    no_session = csrf_of(other)
    sign_in(client, ANN)
    sign_in(other, BOB)
    tokens = {"own": csrf_of(client, INSIDE), "another's": csrf_of(other, INSIDE), "of no session": no_session}
    headers = {name: tokens.get(value, value) for name, value in attack.items()}
    for method, path in (("DELETE", CHANGE), ("POST", "/sign-out"), ("POST", "/dashboard/view-as/stop")):
        answer = client.request(method, path, headers=headers)
        assert answer.status_code == 403, path
        assert answer.json()["type"] == "urn:gatehouse:problem:csrf"
    assert client.get(CHANGE).status_code == 200


def test_nobody_is_signed_in_by_another_site(client: AppClient) -> None:
    for sent in ({"email": ANN, "password": "x"}, {"token": ADMIN_TOKEN}):
        answer = client.post("/sign-in", data=sent)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    token = csrf_of(client)
    foreign = {"Origin": "https://evil.example"}
    answer = client.post("/sign-in", data={"token": ADMIN_TOKEN, "csrf_token": token}, headers=foreign)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/%0d%0aLocation:https://evil.example\r\n",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil",
        "",
        "http:evil.example",
        "https:/evil.example",
        "/\u2028/evil.example",
    ],
)
def test_signing_in_leads_nowhere_else(client: AppClient, elsewhere: str) -> None:
    answer = sign_in_by_token(client, ADMIN_TOKEN, next=elsewhere)
    assert answer.headers["location"] == HOME
    assert HOME in client.get("/sign-in", params={"next": elsewhere}).text


@given(st.text(max_size=60))
def test_wherever_it_leads_is_a_path_of_this_site(wanted: str) -> None:
    found = local(wanted)
    assert found.startswith("/")
    assert found[1:2] not in {"/", "\\"}
    assert found.isprintable()


def test_a_page_runs_only_what_it_was_made_with(client: AppClient) -> None:
    sign_in_by_token(client, ADMIN_TOKEN)
    policies = [client.get(path).headers["content-security-policy"] for path in ("/sign-in", INSIDE, INSIDE)]
    assert len(set(policies)) == 3
    for policy in policies:
        directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert directives["default-src"] == "'none'"
        assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
        assert directives["form-action"] == "'self'"
        assert "unsafe" not in policy
        assert "'nonce-" in directives["script-src"]


def test_what_a_stranger_wrote_is_shown_as_text(client: AppClient) -> None:
    attack = "<script>alert(1)</script>{{ 7 * 7 }}"
    text = sign_in(client, attack, "x").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert "{{ 7 * 7 }}" in text


def _cookies(client: AppClient) -> dict[str, Any]:
    """Return the cookies that a browser is given while it signs in, as they were set."""
    found: SimpleCookie = SimpleCookie()
    form = client.get("/sign-in")
    answer = sign_in(client, ANN)
    assert answer.status_code == 303
    for one in (form, answer):
        for header in one.headers.get_list("set-cookie"):
            found.load(header)
    return dict(found)
