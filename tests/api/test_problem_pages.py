"""Whoever reads pages is shown every problem as a page, which leads on; programs get the document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy.exc import OperationalError

from api.access.requires import public
from api.app import create_app
from api.middleware import MAX_BODY_BYTES
from domain.kernel.errors import BusyError, ConflictError, InvalidInputError, NotFoundError
from migrations.seeds import apply
from migrations.seeds.demo import ORGANIZATION_ID
from tests.support.app_client import AppClient
from tests.support.signing_in import add_person, csrf_of, sign_in

if TYPE_CHECKING:
    from config.settings import Settings
    from tests.support.app_fixtures import MakeSettings
    from tests.support.databases import DatabaseUrls

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
INSIDE = "/dashboard/journeys"
PROBLEMS: dict[str, tuple[Exception, int, str]] = {
    "missing": (NotFoundError("There is no such thing."), 404, "There is no such thing."),
    "conflict": (ConflictError("Somebody was faster."), 409, "Somebody was faster."),
    "wrong": (InvalidInputError("That can't be."), 422, "That can&#39;t be."),
    "busy": (BusyError("Come back later."), 503, "Come back later."),
    "away": (OperationalError("SELECT", {}, psycopg.OperationalError("gone")), 503, "The database does not answer"),
    "broken": (RuntimeError("a secret of ours"), 500, "Something went wrong on our side."),
}


def with_problems(app: FastAPI) -> AppClient:
    @app.get("/probe/{name}", dependencies=[public("for tests")])
    def problem(name: str) -> None:
        raise PROBLEMS[name][0]

    @app.get("/probe-number", dependencies=[public("for tests"), Depends(lambda: None)])
    def number(given: int) -> int:
        return given

    return AppClient(app)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_is_a_page_for_a_browser_and_a_document_for_a_program(unconnected: MakeSettings, name: str) -> None:
    client, (_, status, words) = with_problems(create_app(unconnected())), PROBLEMS[name]
    shown = client.get(f"/probe/{name}", headers=PAGE | {"X-Request-Id": "request-of-the-test"})
    assert (shown.status_code, shown.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert words in shown.text
    assert "request-of-the-test" in shown.text
    assert "a secret of ours" not in shown.text
    document = client.get(f"/probe/{name}")
    assert (document.status_code, document.headers["content-type"]) == (status, "application/problem+json")
    assert document.headers.get("retry-after") == shown.headers.get("retry-after")


def test_a_form_that_does_not_fit_is_told_on_a_page(unconnected: MakeSettings) -> None:
    client = with_problems(create_app(unconnected()))
    shown = client.get("/probe-number?given=x", headers=PAGE)
    assert (shown.status_code, "does not have the right form" in shown.text) == (422, True)
    assert client.get("/probe-number?given=x").json()["errors"][0]["where"] == "query.given"
    assert "<h1>" in client.post("/probe/missing", headers=PAGE).text


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "streamed"])
def test_what_is_too_large_is_told_on_a_page(unconnected: MakeSettings, declared: bool) -> None:  # noqa: FBT001
    body = b"password=" + b"x" * MAX_BODY_BYTES
    headers = PAGE | {"content-type": "application/x-www-form-urlencoded"}
    client = AppClient(create_app(unconnected()))
    shown = client.post("/sign-in", content=body if declared else iter([body]), headers=headers)
    assert (shown.status_code, shown.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert f"larger than {MAX_BODY_BYTES} bytes" in shown.text


@pytest.mark.integration
def test_somebody_of_a_suspended_organization_is_led_out_and_not_in_a_circle(
    settings: Settings, database_urls: DatabaseUrls
) -> None:
    apply(database_urls.platform, "demo")
    add_person(database_urls.platform, "ann@example.com", ("workspace_admin", ORGANIZATION_ID, None), name="Ann")
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("UPDATE organizations SET status = 'suspended' WHERE id = %s", [ORGANIZATION_ID])
    with AppClient(create_app(settings)) as client:
        sign_in(client, "ann@example.com")
        shown = client.get(INSIDE, headers=PAGE)
        assert (shown.status_code, "This organization is suspended." in shown.text) == (403, True)
        found = re.search(r"<main.*</main>", shown.text, re.DOTALL)
        assert found is not None
        assert 'href="/"' not in found[0]
        assert 'href="/account"' in found[0]
        assert client.get("/account", headers=PAGE).status_code == 200
        assert 'action="/sign-out"' in found[0]
        out = client.post("/sign-out", data={"csrf_token": csrf_of(client, INSIDE)}, headers=PAGE)
        assert out.status_code == 303
        assert client.get(INSIDE, headers=PAGE).headers["location"].startswith("/sign-in")
