"""Signing in through the pages and out again, and what strangers learn from trying."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from api.app import create_app
from config.settings import Settings
from domain.access.lockout import FREE_FAILURES
from domain.kernel.clock import ManualClock
from domain.kernel.ids import PLATFORM_ORG_ID
from migrations.seeds import apply
from migrations.seeds.demo import ORGANIZATION_ID
from providers.registry import build_sealer
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.signing_in import acts, add_person, add_second_factor, csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
PAGE = {"Accept": "text/html"}
ANN = "ann@example.com"
INSIDE = "/dashboard/journeys"
SANDBOX = ["/sandbox", "/dashboard/sandbox/mail", "/demo/chat"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
def client(settings: Settings, clock: ManualClock) -> Iterator[AppClient]:
    app = create_app(settings.model_copy(update={"rates": settings.rates.model_copy(update={"sign_ins": 1_000})}))
    app.state.clock = clock
    with AppClient(app) as client:
        yield client


@pytest.fixture
def ann(database_urls: DatabaseUrls) -> UUID:
    return add_person(database_urls.platform, ANN, ("super_admin", PLATFORM_ORG_ID, None), name="Ann")


@pytest.mark.usefixtures("ann")
def test_a_person_signs_in_and_goes_where_they_wanted_to(client: AppClient) -> None:
    sent = client.get(f"{INSIDE}?id=x", headers=PAGE)
    assert (sent.status_code, sent.headers["location"]) == (303, f"/sign-in?next={INSIDE}%3Fid%3Dx")
    assert f'name="next" value="{INSIDE}?id=x"' in client.get(sent.headers["location"]).text
    answer = sign_in(client, ANN, next=INSIDE)
    assert (answer.status_code, answer.headers["location"]) == (303, INSIDE)
    inside = client.get(INSIDE, headers=PAGE)
    assert inside.status_code == 200
    assert ANN in inside.text


def test_who_signed_in_and_out_is_on_record(client: AppClient, database_urls: DatabaseUrls, ann: UUID) -> None:
    sign_in(client, ANN, "wrong")
    sign_in(client, ANN)
    client.post("/sign-out", data={"csrf_token": csrf_of(client, INSIDE)})
    assert acts(database_urls.platform, "user.%") == [
        ("Ann", "user.sign_in_failed", ann),
        ("Ann", "user.sign_in", ann),
        ("Ann", "user.sign_out", ann),
    ]


@pytest.mark.usefixtures("ann")
def test_a_stranger_does_not_learn_who_has_an_account(client: AppClient) -> None:
    def words(email: str, password: str) -> tuple[int, str]:
        answer = sign_in(client, email, password)
        return answer.status_code, answer.text.split('id="problem">')[1].split("</p>")[0]

    seen = [(words(ANN, "wrong"), words("nobody@example.com", "wrong")) for _ in range(FREE_FAILURES + 2)]
    assert all(known == unknown and known[0] == 401 for known, unknown in seen)
    assert "too many" in seen[-1][0][1]
    assert "set-cookie" not in sign_in(client, ANN).headers


@pytest.mark.usefixtures("ann")
def test_a_lock_ends(client: AppClient, clock: ManualClock) -> None:
    for _ in range(FREE_FAILURES + 1):
        sign_in(client, ANN, "wrong")
    assert sign_in(client, ANN).status_code == 401
    clock.advance(timedelta(minutes=2))
    assert sign_in(client, ANN).status_code == 303


def test_every_link_of_the_page_leads_somewhere(client: AppClient) -> None:
    links = re.findall(r'<a href="(/[^"#]+)"', client.get("/sign-in").text)
    assert any("password" in client.get(link.replace("&amp;", "&")).text for link in links)
    for link in links:
        assert client.get(link.replace("&amp;", "&")).status_code == 200, link


def test_the_address_is_kept_in_the_form_and_the_password_is_not(client: AppClient) -> None:
    text = sign_in(client, "who@example.com", "a-wrong-password").text
    assert 'value="who@example.com"' in text
    assert "a-wrong-password" not in text


def test_a_second_factor_is_asked_for_before_there_is_a_session(
    client: AppClient, settings: Settings, database_urls: DatabaseUrls, clock: ManualClock, ann: UUID
) -> None:
    app = add_second_factor(database_urls.platform, ann, build_sealer(settings))
    answer = sign_in(client, ANN, next=INSIDE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/code")
    assert client.get(INSIDE).status_code == 401
    assert str(ann) not in str(client.cookies)

    def enter(code: str) -> int:
        return client.post(
            "/sign-in/code", data={"code": code, "csrf_token": csrf_of(client, "/sign-in/code")}
        ).status_code

    assert enter("000000") == 401
    assert client.get(INSIDE).status_code == 401
    code = app.at(clock.now())
    answer = client.post("/sign-in/code", data={"code": code, "csrf_token": csrf_of(client, "/sign-in/code")})
    assert (answer.status_code, answer.headers["location"]) == (303, INSIDE)
    assert client.get(INSIDE).status_code == 200


def test_the_way_to_the_second_factor_closes_after_five_minutes(
    client: AppClient, settings: Settings, database_urls: DatabaseUrls, clock: ManualClock, ann: UUID
) -> None:
    app = add_second_factor(database_urls.platform, ann, build_sealer(settings))
    sign_in(client, ANN)
    token = csrf_of(client, "/sign-in/code")
    clock.advance(timedelta(minutes=5))
    answer = client.post("/sign-in/code", data={"code": app.at(clock.now()), "csrf_token": token})
    assert answer.status_code == 401
    assert "Begin again" in answer.text
    assert client.get(INSIDE).status_code == 401


def test_a_password_that_was_set_anew_before_the_code_came_closes_the_way_in(
    client: AppClient, settings: Settings, database_urls: DatabaseUrls, clock: ManualClock, ann: UUID
) -> None:
    app = add_second_factor(database_urls.platform, ann, build_sealer(settings))
    sign_in(client, ANN)
    set_anew(database_urls, ann)
    sent = {"code": app.at(clock.now()), "csrf_token": csrf_of(client, "/sign-in/code")}
    answer = client.post("/sign-in/code", data=sent)
    assert answer.status_code == 401
    assert "changed just now" in answer.text
    assert client.get(INSIDE).status_code == 401


def test_a_password_that_is_set_anew_before_the_session_opens_keeps_it_shut(
    client: AppClient, database_urls: DatabaseUrls, ann: UUID
) -> None:
    changed: list[str] = []

    def change(*given: Any) -> None:  # noqa: ANN401 - of SQLAlchemy
        if not changed and ("FOR SHARE" in given[2] or "INTO user_sessions" in given[2]):
            changed.append(given[2])
            set_anew(database_urls, ann)

    event.listen(Engine, "before_cursor_execute", change)
    try:
        answer = sign_in(client, ANN)
    finally:
        event.remove(Engine, "before_cursor_execute", change)
    assert changed
    assert answer.status_code == 401
    assert "changed just now" in answer.text
    assert client.get(INSIDE).status_code == 401
    assert acts(database_urls.platform, "user.sign_in_failed") == [("Ann", "user.sign_in_failed", ann)]


def set_anew(database_urls: DatabaseUrls, user_id: UUID) -> None:
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("UPDATE users SET password_changed_at = now() WHERE id = %s", (user_id,))


def test_the_admin_token_lets_in_as_well(client: AppClient, database_urls: DatabaseUrls) -> None:
    assert client.get("/sign-in?way=token").text.count("Admin token</label>") == 1
    answer = sign_in_by_token(client, ADMIN_TOKEN, next=INSIDE)
    assert (answer.status_code, answer.headers["location"]) == (303, INSIDE)
    assert ADMIN_TOKEN not in answer.headers["set-cookie"]
    assert client.get(INSIDE).status_code == 200
    assert acts(database_urls.platform) == [("admin token", "admin_token.sign_in", None)]


def test_a_wrong_admin_token_is_told_so_and_is_on_record(client: AppClient, database_urls: DatabaseUrls) -> None:
    answer = sign_in_by_token(client, "wrong")
    assert answer.status_code == 401
    assert "That is not the admin token." in answer.text
    assert "set-cookie" not in answer.headers
    assert acts(database_urls.platform) == [("visitor", "admin_token.sign_in_failed", None)]


def test_without_a_token_set_none_is_the_token(settings: Settings) -> None:
    with AppClient(create_app(settings.model_copy(update={"admin_token": None}))) as client:
        assert "admin token" not in client.get("/sign-in").text
        for token in ("None", ADMIN_TOKEN):
            assert sign_in_by_token(client, token).status_code == 401


def test_signing_out_ends_the_session_and_leaves_nothing_behind(client: AppClient) -> None:
    sign_in_by_token(client, ADMIN_TOKEN)
    held = dict(client.cookies)
    answer = client.post("/sign-out", data={"csrf_token": csrf_of(client, INSIDE)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert client.get(INSIDE).status_code == 401
    assert client.get(INSIDE, headers={"Cookie": f"gatehouse={held['gatehouse']}"}).status_code == 401


def test_signing_out_twice_is_no_error(client: AppClient) -> None:
    assert client.post("/sign-out").headers["location"] == "/sign-in"


def test_every_page_of_a_signed_in_person_is_kept_by_no_cache(client: AppClient) -> None:
    sign_in_by_token(client, ADMIN_TOKEN)
    for path in (INSIDE, "/sandbox", "/dashboard/sandbox/mail", "/api/v1/sessions"):
        answer = client.get(path, headers=PAGE)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), path


def test_the_bare_address_leads_to_the_pages(client: AppClient) -> None:
    assert client.get("/").headers["location"] == INSIDE


def test_who_may_not_use_the_sandbox_is_offered_none(client: AppClient, database_urls: DatabaseUrls) -> None:
    apply(database_urls.platform, "demo")
    add_person(database_urls.platform, "bea@example.com", ("workspace_viewer", ORGANIZATION_ID, None))
    sign_in(client, "bea@example.com")
    theirs = client.get(INSIDE, headers=PAGE).text
    assert [path for path in SANDBOX if f'href="{path}"' in theirs] == ["/demo/chat"]
    sign_in_by_token(client, ADMIN_TOKEN)
    assert [path for path in SANDBOX if f'href="{path}"' in client.get(INSIDE, headers=PAGE).text] == SANDBOX


def test_a_problem_is_a_page_for_who_reads_pages_and_a_document_for_programs(client: AppClient) -> None:
    sign_in_by_token(client, ADMIN_TOKEN)
    page = client.get("/dashboard/sandbox/mail/01930000-0000-7000-8000-000000000009", headers=PAGE)
    document = client.get("/dashboard/sandbox/mail/01930000-0000-7000-8000-000000000009")
    assert page.status_code == document.status_code == 404
    assert "There is no such e-mail." in page.text
    assert page.headers["content-type"].startswith("text/html")
    assert document.headers["content-type"] == "application/problem+json"
    assert "There is no such page." in client.get("/nowhere", headers=PAGE).text
    for path, accepted in (("/nowhere", {}), ("/api/v1/nowhere", PAGE)):
        nowhere = client.get(path, headers=accepted)
        assert (nowhere.status_code, nowhere.headers["content-type"]) == (404, "application/problem+json")
