"""The pages of deliveries and notifications: what was sent, what a person decides, and whether owners are alerted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from config.settings import Settings
from domain.kernel.ids import new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.signing_in import add_person, csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    import httpx

    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
PATH = "/dashboard/deliveries"
NOTIFICATIONS = "/dashboard/notifications"
CUSTOMER = "+15005550001"
SAID = "We open at 8."
Connection = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings on a database with two tenants."""
    apply(database_urls.platform, "test")
    return settings


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Connection]:
    with closing(psycopg.connect(database_urls.platform, autocommit=True, row_factory=dict_row)) as connection:
        yield connection


@pytest.fixture
def operator(client: AppClient) -> AppClient:
    """Give a browser of somebody of the platform."""
    sign_in_by_token(client, ADMIN_TOKEN)
    client.headers["accept"] = "text/html"
    return client


def store(database: Connection, state: str, **changes: object) -> UUID:
    """Store a delivery with an attempt and a report of it; an unknown one waits for a person."""
    row = {
        "id": new_id(),
        "org": ORGANIZATION_ID,
        "client": CLIENT_ID,
        "state": state,
        "to": CUSTOMER,
        "channel": "sms",
        "purpose": "reply",
        "error": None,
    } | changes
    database.execute(
        "INSERT INTO deliveries (id, org_id, client_id, purpose, channel, to_address, body, state, attempts,"
        " error_code, asked_person_at) VALUES (%(id)s, %(org)s, %(client)s, %(purpose)s, %(channel)s, %(to)s,"
        " 'We open at 8.', %(state)s, 1, %(error)s, CASE WHEN %(state)s = 'unknown' THEN now() END)",
        row,
    )
    database.execute(
        "INSERT INTO notification_logs (id, org_id, client_id, delivery_id, attempt, provider, outcome, error_text,"
        " provider_id) VALUES (gen_random_uuid(), %(org)s, %(client)s, %(id)s, 1, 'twilio', 'unknown',"
        " 'The line was cut.', 'SM1')",
        row,
    )
    found = row["id"]
    assert isinstance(found, UUID)
    return found


def see(browser: AppClient, path: str, status: int = 200, **query: str) -> str:
    answer = browser.get(path, params=query or None)
    assert answer.status_code == status, answer.text
    return answer.text


def post(client: AppClient, path: str, page: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"csrf_token": csrf_of(client, page), **fields})


def test_deliveries_are_listed_with_their_last_try_and_narrowed(operator: AppClient, database: Connection) -> None:
    ids = {state: str(store(database, state)) for state in ("delivered", "unknown")}
    ids["failed"] = str(store(database, "failed", channel="email", to="a@b.example", error="550"))
    page = see(operator, PATH)
    assert all(one in page for one in ids.values())
    assert "The line was cut." in page
    assert CUSTOMER not in page
    assert "a@b" not in page
    for query, found in (
        ({"state": "needs_person"}, "unknown"),
        ({"state": "failed"}, "failed"),
        ({"channel": "email"}, "failed"),
        ({"error": "550"}, "failed"),
        ({"state": "delivered", "client": str(CLIENT_ID), "purpose": "reply"}, "delivered"),
    ):
        narrowed = see(operator, PATH, 200, **query)
        assert {state for state, one in ids.items() if one in narrowed} == {found}, query
    assert "Nothing that fits was sent" in see(operator, PATH, state="pending")
    assert len(see(operator, PATH, format="csv").splitlines()) == 4
    assert see(operator, PATH, 422, client="nobody")


def test_what_it_says_and_to_whom_is_shown_on_record_alone(operator: AppClient, database: Connection) -> None:
    path = f"{PATH}/{store(database, 'delivered')}"
    page = see(operator, path)
    assert "It arrived." in page
    assert "SM1" in page
    assert SAID not in page
    assert CUSTOMER not in page
    assert database.execute("SELECT FROM admin_audit_logs WHERE action = 'delivery.reveal'").fetchall() == []
    revealed = see(operator, path, reveal="true")
    assert SAID in revealed
    assert CUSTOMER in revealed
    assert len(database.execute("SELECT FROM admin_audit_logs WHERE action = 'delivery.reveal'").fetchall()) == 1


def test_a_person_decides_about_what_nobody_knows(operator: AppClient, database: Connection) -> None:
    path = f"{PATH}/{store(database, 'unknown')}"
    assert "Decide what became of it" in see(operator, path)
    unsaid = post(operator, f"{path}/resolve", path, decision="resend", reason=" ")
    assert (unsaid.status_code, "Say what you found out" in unsaid.text) == (422, True)
    done = post(operator, f"{path}/resolve", path, decision="resend", reason="It is not in Twilio's log.")
    assert done.status_code == 303
    page = see(operator, path)
    assert "It is sent again now." in page
    assert "It waits to be sent" in page
    assert database.execute("SELECT kind FROM jobs").fetchall() == [{"kind": "delivery.send"}]
    (entry,) = database.execute("SELECT reason FROM admin_audit_logs WHERE action = 'delivery.resolve'").fetchall()
    assert entry["reason"] == "It is not in Twilio's log."
    late = post(operator, f"{path}/resolve", path, decision="sent", reason="Found.")
    assert (late.status_code, "nothing to decide" in late.text) == (409, True)
    assert see(operator, f"{PATH}/{new_id()}", 404)


def test_a_refused_sender_is_shown_and_cleared_with_a_reason(operator: AppClient, database: Connection) -> None:
    flag = new_id()
    database.execute(
        "INSERT INTO sender_flags (id, org_id, client_id, sender, error_code, reason)"
        " VALUES (%s, %s, %s, '+1', '30034', 'Not registered.')",
        [flag, ORGANIZATION_ID, CLIENT_ID],
    )
    assert "Not registered." in see(operator, PATH)
    path = f"{PATH}/senders/{flag}/clear"
    assert post(operator, path, PATH, reason="").status_code == 422
    assert post(operator, path, PATH, reason="Registered now").status_code == 303
    assert "Not registered." not in see(operator, PATH)
    assert post(operator, path, PATH, reason="Again").status_code == 404


def test_whether_owners_are_alerted_stands_in_plain_words(operator: AppClient, database: Connection) -> None:
    database.execute("UPDATE clients SET owner_phone = NULL, owner_email = NULL WHERE id = %s", [CLIENT_ID])
    store(database, "delivered", purpose="owner_alert")
    store(database, "failed", purpose="test", error="30003")
    page = see(operator, NOTIFICATIONS)
    # The mark before it is an apostrophe, which HTML has a name for.
    assert "Requests are saved but you won&#39;t be alerted." in page
    assert f"{NOTIFICATIONS}/{CLIENT_ID}" in page
    assert "No client fits that" in see(operator, NOTIFICATIONS, name="nobody is called so")
    one = see(operator, f"{NOTIFICATIONS}/{CLIENT_ID}")
    assert "No mobile number of the owner is set." in one
    assert "It failed." in one
    assert see(operator, f"{NOTIFICATIONS}/{new_id()}", 404)


def test_a_test_notification_says_why_it_can_not_be_sent(operator: AppClient, database: Connection) -> None:
    database.execute("UPDATE clients SET notifications_paused = true WHERE id = %s", [CLIENT_ID])
    path = f"{NOTIFICATIONS}/{CLIENT_ID}"
    assert post(operator, f"{path}/test", path).status_code == 303
    assert "Notifications to the owner are paused for this client." in see(operator, path)
    assert database.execute("SELECT FROM deliveries").fetchall() == []
    assert len(database.execute("SELECT FROM admin_audit_logs WHERE action = 'notifications.test'").fetchall()) == 1


def test_a_viewer_sees_their_own_and_changes_nothing(
    client: AppClient, database: Connection, database_urls: DatabaseUrls
) -> None:
    add_person(database_urls.platform, "viewer@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID))
    other = database.execute("SELECT id, org_id FROM clients WHERE org_id <> %s", [ORGANIZATION_ID]).fetchone()
    assert other is not None
    mine = store(database, "unknown")
    theirs = store(database, "unknown", org=other["org_id"], client=other["id"])
    sign_in(client, "viewer@example.com")
    client.headers["accept"] = "text/html"
    page = see(client, PATH)
    assert str(mine) in page
    assert str(theirs) not in page
    assert "Decide" not in see(client, f"{PATH}/{mine}")
    assert "Send test notification" not in see(client, f"{NOTIFICATIONS}/{CLIENT_ID}")
    assert see(client, f"{PATH}/{theirs}", 404)
    assert see(client, f"{NOTIFICATIONS}/{other['id']}", 404)
    assert str(theirs) not in see(client, PATH, client=str(other["id"]))
    token = csrf_of(client, "/account")
    for path in (f"{PATH}/{mine}/resolve", f"{NOTIFICATIONS}/{CLIENT_ID}/test", f"{PATH}/senders/{new_id()}/clear"):
        sent = {"csrf_token": token, "decision": "sent", "reason": "mine"}
        assert client.post(path, data=sent).status_code == 403, path
    assert database.execute("SELECT state FROM deliveries WHERE id = %s", [mine]).fetchall() == [{"state": "unknown"}]
