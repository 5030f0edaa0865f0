"""A letter that somebody else wants for a person: what asking for it tells."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from domain.access.principal import Grant
from domain.kernel.database import Database
from tests.api.conftest import ADMIN_TOKEN
from tests.support.hand_worker import HandWorker
from tests.support.people import PASSWORD as THEIR_PASSWORD
from tests.support.people import make_place, make_user
from tests.support.signing_in import csrf_of, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from config.settings import Settings
    from tests.support.app_client import AppClient
    from tests.support.people import Place

pytestmark = pytest.mark.integration
PATH = "/api/v1/users"
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
BOSS = "boss@example.com"


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"))) as opened:
        yield opened


@pytest.fixture
def place(database: Database) -> Place:
    return make_place(database)


def test_asking_for_a_letter_tells_no_organization_that_an_account_is_disabled(
    client: AppClient, database: Database, place: Place, settings: Settings
) -> None:
    make_user(database, BOSS, Grant("workspace_admin", place.org_id, place.client_id), name="Boss")
    assert sign_in(client, BOSS, THEIR_PASSWORD).status_code == 303
    emails = ("here@example.com", "gone@example.com", "newly@example.com", "never@example.com")
    held = Grant("workspace_viewer", place.org_id, place.client_id)
    people = [make_user(database, email, held) for email in emails]
    with database.platform_scope() as session:
        session.execute(text("UPDATE users SET email_verified_at = NULL, password_hash = NULL WHERE email ~ '^ne'"))
    for user_id in (people[1], people[3]):
        assert client.post(f"{PATH}/{user_id}/disable", headers=ADMIN, json={"reason": "Left."}).status_code == 200
    answers = [change(client, "POST", f"{PATH}/{user_id}/send-reset") for user_id in people]
    assert [answer.status_code for answer in answers] == [202] * 4
    told = [answer.json() | {"id": "", "email": "", "memberships": []} for answer in answers]
    assert (told[0], told[2]) == (told[1], told[3])
    with database.platform_scope() as session:
        query = text(
            "SELECT target_id, action, role, reason, before, jsonb_exists(coalesce(after, '{}'), 'address'), client_id"
            " FROM admin_audit_logs WHERE org_id = :org AND action IN ('user.reset_sent', 'user.invited')"
        )
        kept = {one.target_id: one[1:] for one in session.execute(query, {"org": place.org_id})}
    assert kept.keys() == {str(one) for one in people}
    assert kept[str(people[0])] == kept[str(people[1])]
    assert kept[str(people[2])] == kept[str(people[3])]
    with HandWorker(settings) as worker:
        worker.work("access.letter_wanted")
    with database.platform_scope() as session:
        letters = session.execute(
            text("SELECT args ->> 'user_id', args ->> 'letter' FROM jobs WHERE kind = 'access.letter'")
        )
        assert {tuple(one) for one in letters} == {
            (str(people[0]), "reset_password"),
            (str(people[2]), "invite"),
        }


def change(client: httpx.Client, method: str, path: str, body: object = None) -> httpx.Response:
    """Send what a script of our own pages would."""
    return client.request(method, path, json=body, headers={"X-CSRF-Token": csrf_of(client, "/account")})
