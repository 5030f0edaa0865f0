"""One's own sessions, and what ends them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import psycopg
import pytest

from api.access.requires import Access, requires
from api.app import create_app
from config.settings import Settings
from domain.access.messages import SweepSessions
from domain.kernel.clock import ManualClock
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.queue.enqueue import enqueue
from migrations.seeds import apply
from migrations.seeds.demo import TENANT as DEMO
from migrations.seeds.test import TENANT as OTHER
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.hand_worker import HandWorker
from tests.support.signing_in import acts, add_person, csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ANN = "ann@example.com"
INSIDE = "/dashboard/journeys"
SESSIONS = "/api/v1/sessions"
A_MOMENT = timedelta(seconds=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    add_person(database_urls.platform, ANN, ("super_admin", PLATFORM_ORG_ID, None), name="Ann")
    return settings


@pytest.fixture
def client(settings: Settings, clock: ManualClock) -> Iterator[AppClient]:
    yield from _client(settings, clock)


@pytest.fixture
def elsewhere(settings: Settings, clock: ManualClock) -> Iterator[AppClient]:
    """Give another browser."""
    yield from _client(settings, clock)


def _client(settings: Settings, clock: ManualClock) -> Iterator[AppClient]:
    app = create_app(settings)
    app.state.clock = clock
    with AppClient(app) as client:
        yield client


def delete(client: AppClient, path: str) -> int:
    return client.request("DELETE", path, headers={"X-CSRF-Token": csrf_of(client, INSIDE)}).status_code


def test_one_sees_where_one_is_signed_in(client: AppClient, elsewhere: AppClient) -> None:
    elsewhere.headers["User-Agent"] = "Another browser"
    sign_in(elsewhere, ANN)
    sign_in(client, ANN)
    listed = client.get(SESSIONS).json()["items"]
    assert [one["user_agent"] for one in listed if not one["current"]] == ["Another browser"]
    assert [one["ip"] for one in listed] == ["192.0.2.1", "192.0.2.1"]
    assert not {client.cookies["gatehouse"], elsewhere.cookies["gatehouse"]} & set(str(listed).split("'"))


def test_one_ends_another_or_all_others(client: AppClient, elsewhere: AppClient, database_urls: DatabaseUrls) -> None:
    sign_in(client, ANN)
    sign_in(elsewhere, ANN)
    (other,) = [one["id"] for one in client.get(SESSIONS).json()["items"] if not one["current"]]
    assert delete(client, f"{SESSIONS}/{other}") == 204
    assert delete(client, f"{SESSIONS}/{other}") == 404
    assert elsewhere.get(SESSIONS).status_code == 401
    sign_in(elsewhere, ANN)
    assert delete(client, SESSIONS) == 200
    assert elsewhere.get(SESSIONS).status_code == 401
    assert client.get(SESSIONS).status_code == 200
    assert [action for _, action, _ in acts(database_urls.platform, "session.%")] == ["session.end", "session.end"]


def test_one_can_end_ones_own(client: AppClient) -> None:
    sign_in(client, ANN)
    (mine,) = client.get(SESSIONS).json()["items"]
    assert delete(client, f"{SESSIONS}/{mine['id']}") == 204
    assert client.get(SESSIONS).status_code == 401


def test_nobody_ends_somebody_elses(client: AppClient, elsewhere: AppClient, database_urls: DatabaseUrls) -> None:
    add_person(database_urls.platform, "bob@example.com")
    sign_in(client, ANN)
    sign_in(elsewhere, "bob@example.com")
    (anns,) = client.get(SESSIONS).json()["items"]
    bobs = elsewhere.get(SESSIONS)
    assert bobs.status_code == 200
    assert anns["id"] not in bobs.text
    token = csrf_of(client, INSIDE)
    assert elsewhere.request("DELETE", f"{SESSIONS}/{anns['id']}", headers={"X-CSRF-Token": token}).status_code == 403
    assert client.get(SESSIONS).status_code == 200


def test_machines_have_no_sessions(client: AppClient) -> None:
    assert client.get(SESSIONS, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}).status_code == 403
    assert client.get(SESSIONS).status_code == 401


def test_time_signs_out(client: AppClient, clock: ManualClock, settings: Settings) -> None:
    idle = timedelta(minutes=settings.session_idle_minutes)
    sign_in(client, ANN)
    clock.advance(idle - A_MOMENT)
    assert client.get(INSIDE).status_code == 200
    clock.advance(idle)
    assert client.get(INSIDE).status_code == 401
    sign_in(client, ANN)
    for _ in range(settings.session_hours - 1):
        clock.advance(timedelta(hours=1))
        assert client.get(INSIDE).status_code == 200
    clock.advance(timedelta(hours=1))
    assert client.get(INSIDE).status_code == 401


def test_what_time_has_ended_is_swept(client: AppClient, settings: Settings, database_urls: DatabaseUrls) -> None:
    sign_in(client, ANN)
    sign_in_by_token(client, ADMIN_TOKEN)
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("UPDATE user_sessions SET expires_at = now()")
    sign_in(client, ANN)
    with closing(Database(database_urls.app, database_urls.platform)) as database:
        with database.platform_scope() as session:
            enqueue(session, SweepSessions(), org_id=PLATFORM_ORG_ID)
        with HandWorker(settings) as worker:
            worker.work()
    with psycopg.connect(database_urls.platform) as connection:
        assert connection.execute("SELECT count(*) FROM user_sessions").fetchone() == (1,)
    assert client.get(INSIDE).status_code == 200


def test_what_is_taken_away_is_gone_with_the_next_request(client: AppClient, database_urls: DatabaseUrls) -> None:
    sign_in(client, ANN)
    assert client.get(INSIDE).status_code == 200
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("DELETE FROM memberships")
    assert client.get(INSIDE).status_code == 403
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("UPDATE users SET disabled_at = now()")
    assert client.get(INSIDE).status_code == 401


def test_who_reports_to_somebody_in_one_organization_does_not_in_another(
    settings: Settings, database_urls: DatabaseUrls
) -> None:
    apply(database_urls.platform, "test")
    here, there = ("manager", DEMO.organization_id, None), ("manager", OTHER.organization_id, None)
    head = add_person(database_urls.platform, "head@example.com", here, there)
    report = add_person(database_urls.platform, "report@example.com", here, reports_to=head)
    app = create_app(settings)

    @app.get("/probe/reports")
    def reports(access: Annotated[Access, requires("reports.view")]) -> list[UUID]:
        return sorted(access.principal.reports)

    with AppClient(app) as client:
        sign_in(client, "head@example.com")
        found = [
            client.get("/probe/reports", headers={"X-Org-Id": str(tenant.organization_id)}).json()
            for tenant in (DEMO, OTHER)
        ]
    assert found == [[str(report)], []]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"admin_token": "another-token-9876543210"}, 401),
        ({"admin_token": None}, 401),
        ({"secret_key": "another-key-" * 4}, 401),
    ],
)
def test_the_admin_tokens_sessions_end_with_it(
    client: AppClient, settings: Settings, change: dict[str, object], status: int
) -> None:
    sign_in_by_token(client, ADMIN_TOKEN)
    held = {"Cookie": f"gatehouse={client.cookies['gatehouse']}"}
    changed = Settings.model_validate(settings.model_dump() | change)
    with AppClient(create_app(changed)) as other:
        assert other.get(INSIDE, headers=held).status_code == status


def test_a_person_stays_signed_in_when_keys_change(client: AppClient, settings: Settings) -> None:
    sign_in(client, ANN)
    held = {"Cookie": f"gatehouse={client.cookies['gatehouse']}"}
    changed = Settings.model_validate(settings.model_dump() | {"secret_key": "another-key-" * 4})
    with AppClient(create_app(changed)) as other:
        assert other.get(INSIDE, headers=held).status_code == 200
