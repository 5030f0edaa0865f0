"""Changes that a browser sends: only those that one of our own pages meant are made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Form, Request, UploadFile
from hypothesis import given
from hypothesis import strategies as st

from api import csrf
from api.access.requires import Access, public, requires
from api.app import create_app
from config.settings import Settings
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.app_settings import app_settings
from tests.support.signing_in import csrf_of, sign_in_by_token

pytestmark = pytest.mark.integration
OUR_PAGE = "/dashboard/journeys"
OWN = "http://testserver"
Allowed = Annotated[Access, requires("clients.change")]


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    app = create_app(settings)

    @app.post("/probe/nothing")
    def nothing(access: Allowed) -> str:
        return access.principal.name

    @app.post("/probe/form")
    def form(access: Allowed, word: Annotated[str, Form()], csrf_token: Annotated[str, Form()] = "") -> dict[str, str]:
        return {"word": word, "by": access.principal.name, "token": csrf_token}

    @app.post("/probe/raw")
    async def raw(access: Allowed, request: Request) -> dict[str, Any]:
        access.need("clients.change")
        body = (await request.body()).decode()
        streamed = b"".join([piece async for piece in request.stream()]).decode()
        return {"body": body, "streamed": streamed, "word": (await request.form()).get("word")}

    @app.post("/probe/file")
    async def file(access: Allowed, sent: UploadFile) -> str:
        access.need("clients.change")
        return (await sent.read()).decode()

    @app.post("/probe/json")
    def json(access: Allowed, document: dict[str, str]) -> dict[str, str]:
        access.need("clients.change")
        return document

    @app.post("/probe/open", dependencies=[public("a test"), csrf.from_our_page])
    def open_form() -> str:
        return "taken"

    with AppClient(app) as client:
        yield client


@pytest.fixture
def token(client: AppClient) -> str:
    sign_in_by_token(client, ADMIN_TOKEN)
    return csrf_of(client, OUR_PAGE)


def refused(answer: httpx.Response) -> bool:
    return answer.status_code == 403 and bool(answer.json()["type"] == "urn:gatehouse:problem:csrf")


def test_the_token_of_a_page_opens_by_header_and_by_field(client: AppClient, token: str) -> None:
    assert client.post("/probe/nothing", headers={"X-CSRF-Token": token}).json() == "admin token"
    assert client.post("/probe/nothing", data={"csrf_token": token}).json() == "admin token"
    assert client.post("/probe/json", json={"a": "b"}, headers={"X-CSRF-Token": token}).json() == {"a": "b"}


@pytest.mark.parametrize("wrong", ["", "x", "x.y", ".", "\x7f", "ümlaut", "0" * 5_000])
def test_without_it_nothing_is_done(client: AppClient, token: str, wrong: str) -> None:
    for sent in (wrong, token[:-1], token + "0", token.upper(), token.partition(".")[2]):
        assert refused(client.post("/probe/nothing", headers=[(b"x-csrf-token", sent.encode())])), sent
        assert refused(client.post("/probe/nothing", data={"csrf_token": sent})), sent
    assert refused(client.post("/probe/nothing"))
    assert refused(client.post("/probe/json", json={"csrf_token": token}))


def test_the_words_say_what_to_do(client: AppClient, token: str) -> None:
    assert token
    page = client.post("/probe/nothing", headers={"Accept": "text/html"})
    assert page.status_code == 403
    assert "Reload the page and try again" in page.text
    assert "Reload the page" in client.post("/probe/nothing").json()["detail"]


def test_looking_needs_no_token(client: AppClient, token: str) -> None:
    assert token
    assert client.get("/api/v1/clients").status_code == 200


def test_reading_the_form_leaves_the_body_to_the_route(client: AppClient, token: str) -> None:
    form = {"word": "grüße", "csrf_token": token}
    assert client.post("/probe/form", data=form).json() == {"word": "grüße", "by": "admin token", "token": token}
    raw = client.post("/probe/raw", data=form).json()
    assert raw["body"] == raw["streamed"]
    assert raw["word"] == "grüße"
    assert "csrf_token" in raw["body"]
    assert client.post("/probe/file", files={"sent": b"content"}, data={"csrf_token": token}).json() == "content"


def test_a_program_with_a_token_of_its_own_needs_none_of_ours(client: AppClient) -> None:
    bearer = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    assert client.post("/probe/nothing", headers=bearer).json() == "admin token"
    assert client.post("/probe/nothing", headers=bearer | {"Origin": "https://evil.example"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Origin": OWN}, True),
        ({"Origin": OWN.upper()}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": OWN}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({}, True),
        ({"Origin": "http://127.0.0.1:8000"}, True),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://testserver.evil.example"}, False),
        ({"Origin": "http://testserver:81"}, False),
        ({"Origin": "https://testserver"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": OWN}, False),
        ({"Sec-Fetch-Site": "rubbish"}, False),
        ({"Origin": ""}, False),
    ],
)
def test_what_a_browser_says_of_where_it_came_from_counts_too(
    client: AppClient, token: str, headers: dict[str, str], *, allowed: bool
) -> None:
    answer = client.post("/probe/nothing", headers=headers | {"X-CSRF-Token": token})
    assert answer.status_code == (200 if allowed else 403), answer.text


def test_a_form_before_signing_in_is_bound_to_its_browser(client: AppClient, settings: Settings) -> None:
    token = csrf_of(client)
    assert client.post("/probe/open", data={"csrf_token": token}).json() == "taken"
    assert refused(client.post("/probe/open"))
    with AppClient(create_app(settings)) as another:
        csrf_of(another)
        assert refused(another.post("/sign-in", data={"csrf_token": token, "token": ADMIN_TOKEN}))
        another.cookies.clear()
        assert refused(another.post("/sign-in", data={"csrf_token": token, "token": ADMIN_TOKEN}))


def test_a_form_opened_before_signing_in_elsewhere_still_works(client: AppClient) -> None:
    early = csrf_of(client)
    sign_in_by_token(client, ADMIN_TOKEN)
    assert client.post("/probe/open", data={"csrf_token": early}).json() == "taken"
    assert client.post("/probe/open", data={"csrf_token": csrf_of(client, OUR_PAGE)}).json() == "taken"
    assert refused(client.post("/probe/nothing", data={"csrf_token": early}))


def test_pages_stay_usable_while_the_secret_key_is_changed(tmp_path: Path) -> None:
    before = app_settings(tmp_path)
    changed = app_settings(tmp_path, secret_key="another-key-" * 4, previous_secret_key=before.secret_key)
    gone = app_settings(tmp_path, secret_key="another-key-" * 4)
    token = csrf.token_for(before, "held")
    assert csrf._is_valid(changed, token, ["held"])
    assert not csrf._is_valid(gone, token, ["held"])


@pytest.mark.parametrize("charset", ["unicode_escape", "raw_unicode_escape", "utf-16", "idna", "base64", "no-such-one"])
@pytest.mark.parametrize("sent", [rb"\ud800.\ud800", rb"\ud800", rb"x.\udfff", rb"\x00.\x00"])
def test_a_form_in_whatever_charset_is_refused_and_breaks_nothing(client: AppClient, charset: str, sent: bytes) -> None:
    assert csrf_of(client)
    body = b'--X\r\ncontent-disposition: form-data; name="csrf_token"\r\n\r\n' + sent + b"\r\n--X--\r\n"
    form = {"content-type": f"multipart/form-data; boundary=X; charset={charset}"}
    assert refused(client.post("/probe/open", content=body, headers=form))


@given(st.text(st.characters(), max_size=300), st.text(min_size=1, max_size=60))
def test_no_made_up_token_is_valid(sent: str, held: str) -> None:
    settings = app_settings(Path("unused"))
    assert not csrf._is_valid(settings, sent, [held])
    token = csrf.token_for(settings, held)
    assert csrf._is_valid(settings, token, ["other", held])
    assert not csrf._is_valid(settings, token, [held + "x"])
    assert csrf.token_for(settings, held) != token
