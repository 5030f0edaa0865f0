"""Who gets at the operators' side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from api.app import create_app
from api.deps import RequireAdmin
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    from tests.api.conftest import MakeSettings

BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
PAGE = {"Accept": "text/html,application/xhtml+xml"}


def open_app(make: MakeSettings, **changes: object) -> AppClient:
    app: FastAPI = create_app(make(**changes))

    @app.get("/probe/admin", dependencies=[RequireAdmin])
    async def read() -> str:
        return "in"

    @app.post("/probe/admin", dependencies=[RequireAdmin])
    async def change() -> str:
        return "changed"

    return AppClient(app, base_url="https://testserver")


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {ADMIN_TOKEN}", 200),
        (f"bearer {ADMIN_TOKEN}", 200),
        (f"Bearer {ADMIN_TOKEN}x", 401),
        (f"Bearer {ADMIN_TOKEN[:-1]}", 401),
        (f"Basic {ADMIN_TOKEN}", 401),
        ("Bearer", 401),
        ("Bearer ümlaut", 401),
        (None, 401),
    ],
)
def test_the_bearer_token_opens(unconnected: MakeSettings, authorization: str | None, status: int) -> None:
    headers = [(b"authorization", authorization.encode())] if authorization else []
    answer = open_app(unconnected).get("/probe/admin", headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert ADMIN_TOKEN[:-1] not in answer.text


@pytest.mark.parametrize("environment", ["production", "development", "test"])
def test_without_a_token_set_nobody_gets_in(unconnected: MakeSettings, environment: str) -> None:
    client = open_app(unconnected, admin_token=None, environment=environment)
    for token in ("None", ADMIN_TOKEN):
        assert client.get("/probe/admin", headers={"Authorization": f"Bearer {token}"}).status_code == 403
        assert client.post("/sign-in", data={"token": token}).status_code == 401
    assert client.get("/sign-in").status_code == 403


def test_a_browser_is_sent_to_sign_in_and_back(unconnected: MakeSettings) -> None:
    client = open_app(unconnected)
    sent = client.get("/probe/admin?a=1&b=2", headers=PAGE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=/probe/admin%3Fa%3D1%26b%3D2")
    form = client.get(sent.headers["location"])
    assert 'name="next" value="/probe/admin?a=1&amp;b=2"' in form.text
    back = client.post("/sign-in", data={"token": ADMIN_TOKEN, "next": "/probe/admin?a=1&b=2"})
    assert (back.status_code, back.headers["location"]) == (303, "/probe/admin?a=1&b=2")
    cookie = back.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert ADMIN_TOKEN not in cookie
    assert client.get("/probe/admin", headers=PAGE).json() == "in"


def test_a_wrong_token_is_told_so(unconnected: MakeSettings) -> None:
    client = open_app(unconnected)
    answer = client.post("/sign-in", data={"token": "wrong"})
    assert answer.status_code == 401
    assert "That is not the admin token." in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("next_page", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/a\nb"])
def test_signing_in_leads_nowhere_else(unconnected: MakeSettings, next_page: str) -> None:
    answer = open_app(unconnected).post("/sign-in", data={"token": ADMIN_TOKEN, "next": next_page})
    assert answer.headers["location"] == "/dashboard/journeys"


def test_the_bare_address_leads_to_the_operators_pages(unconnected: MakeSettings) -> None:
    answer = open_app(unconnected).get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/journeys")


def test_a_cookie_changes_things_only_from_our_own_pages(unconnected: MakeSettings) -> None:
    client = open_app(unconnected)
    client.post("/sign-in", data={"token": ADMIN_TOKEN})
    assert client.post("/probe/admin").status_code == 401
    assert client.post("/probe/admin", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401
    assert client.post("/probe/admin", headers={"Sec-Fetch-Site": "same-origin"}).json() == "changed"
    assert client.post("/probe/admin", headers=BEARER).json() == "changed"


def test_a_session_ends_with_its_token_or_key_and_by_signing_out(unconnected: MakeSettings) -> None:
    client = open_app(unconnected)
    client.post("/sign-in", data={"token": ADMIN_TOKEN})
    (cookie,) = client.cookies.jar
    sent = {"Cookie": f"{cookie.name}={cookie.value}"}
    assert open_app(unconnected).get("/probe/admin", headers=sent).status_code == 200
    assert (
        open_app(unconnected, admin_token="another-token-9876543210").get("/probe/admin", headers=sent).status_code
        == 401
    )
    assert open_app(unconnected, secret_key="another-key-" * 4).get("/probe/admin", headers=sent).status_code == 401
    client.post("/sign-out", headers={"Sec-Fetch-Site": "same-origin"})
    assert client.get("/probe/admin").status_code == 401


def test_the_cookie_is_bound_to_https_where_there_is_https(unconnected: MakeSettings) -> None:
    client = open_app(unconnected, public_url="https://texts.example.com")
    answer = client.post("/sign-in", data={"token": ADMIN_TOKEN})
    assert answer.headers["set-cookie"].startswith("__Host-gatehouse-admin=")
    assert "secure" in answer.headers["set-cookie"].lower()
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
