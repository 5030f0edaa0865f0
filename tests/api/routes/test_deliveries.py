"""/api/v1/deliveries and /api/v1/sender-flags: seen without personal data, decided and cleared on record."""

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

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
PATH = "/api/v1/deliveries"
CUSTOMER = "+15005550001"
Connection = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings on a database with the demo tenant."""
    apply(database_urls.platform, "demo")
    return settings


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Connection]:
    with closing(psycopg.connect(database_urls.platform, autocommit=True, row_factory=dict_row)) as connection:
        yield connection


def store(database: Connection, state: str, channel: str = "sms", to: str = CUSTOMER) -> UUID:
    """Store a delivery with an attempt; an unknown one waits for a person."""
    delivery = new_id()
    database.execute(
        "INSERT INTO deliveries (id, org_id, client_id, purpose, channel, to_address, body, state, attempts,"
        " asked_person_at) VALUES (%(id)s, %(org)s, %(client)s, 'reply', %(channel)s, %(to)s, 'We open at 8.',"
        " %(state)s, 1, CASE WHEN %(state)s = 'unknown' THEN now() END)",
        {
            "id": delivery,
            "org": ORGANIZATION_ID,
            "client": CLIENT_ID,
            "channel": channel,
            "to": to,
            "state": state,
        },
    )
    database.execute(
        "INSERT INTO notification_logs (id, org_id, client_id, delivery_id, attempt, provider, outcome)"
        " VALUES (%s, %s, %s, %s, 1, 'twilio', 'unknown')",
        [new_id(), ORGANIZATION_ID, CLIENT_ID, delivery],
    )
    return delivery


def test_deliveries_are_listed_newest_first_without_what_they_say(client: AppClient, database: Connection) -> None:
    ids = [store(database, "delivered"), store(database, "unknown"), store(database, "failed", "email", "a@b.example")]
    first = client.get(PATH, params={"limit": 2}, headers=ADMIN).json()
    second = client.get(PATH, params={"limit": 2, "after": first["next"]}, headers=ADMIN).json()

    assert [item["id"] for item in first["items"] + second["items"]] == [str(one) for one in reversed(ids)]
    assert second["next"] is None
    for page in (first, second):
        assert "5005550001" not in str(page)
        assert "a@b" not in str(page)
        assert "We open" not in str(page)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"state": "delivered"}, {"delivered"}),
        ({"channel": "email"}, {"failed"}),
        ({"needs_person": "true"}, {"unknown"}),
        ({"client": str(CLIENT_ID)}, {"delivered", "unknown", "failed"}),
        ({"client": str(new_id())}, set()),
    ],
)
def test_deliveries_are_filtered(
    client: AppClient, database: Connection, params: dict[str, str], expected: set[str]
) -> None:
    for state, channel in (("delivered", "sms"), ("unknown", "sms"), ("failed", "email")):
        store(database, state, channel)
    items = client.get(PATH, params=params, headers=ADMIN).json()["items"]
    assert {item["state"] for item in items} == expected


def test_one_delivery_has_its_tries_and_what_it_says_only_on_record(client: AppClient, database: Connection) -> None:
    delivery = store(database, "unknown")
    shown = client.get(f"{PATH}/{delivery}", headers=ADMIN).json()
    assert (shown["needs_person"], shown["body"], [one["outcome"] for one in shown["tries"]]) == (
        True,
        None,
        ["unknown"],
    )
    assert database.execute("SELECT FROM admin_audit_logs").fetchall() == []

    revealed = client.get(f"{PATH}/{delivery}", params={"reveal": "true"}, headers=ADMIN).json()
    assert (revealed["to"], revealed["body"]) == (CUSTOMER, "We open at 8.")
    assert [row["action"] for row in database.execute("SELECT action FROM admin_audit_logs")] == ["delivery.reveal"]


def test_a_person_decides_once(client: AppClient, database: Connection) -> None:
    delivery = store(database, "unknown")
    wanted = {"decision": "resend", "reason": "It is not in Twilio's log."}
    decided = client.post(f"{PATH}/{delivery}/resolve", json=wanted, headers=ADMIN)
    assert (decided.status_code, decided.json()) == (200, {"id": str(delivery), "state": "pending"})
    assert database.execute("SELECT kind, args FROM jobs").fetchall() == [
        {"kind": "delivery.send", "args": {"delivery_id": str(delivery), "only_look": False}}
    ]
    (entry,) = database.execute("SELECT action, reason, actor FROM admin_audit_logs").fetchall()
    assert (entry["action"], entry["reason"]) == ("delivery.resolve", "It is not in Twilio's log.")

    assert client.post(f"{PATH}/{delivery}/resolve", json=wanted, headers=ADMIN).status_code == 409
    assert client.post(f"{PATH}/{new_id()}/resolve", json=wanted, headers=ADMIN).status_code == 404
    assert client.post(f"{PATH}/{delivery}/resolve", json={"decision": "sent"}, headers=ADMIN).status_code == 422


def test_a_refused_sender_is_shown_and_cleared_on_record(client: AppClient, database: Connection) -> None:
    flag = new_id()
    database.execute(
        "INSERT INTO sender_flags (id, org_id, client_id, sender, error_code, reason)"
        " VALUES (%s, %s, %s, '+15005550006', '30034', 'The number is not registered.')",
        [flag, ORGANIZATION_ID, CLIENT_ID],
    )
    (shown,) = client.get("/api/v1/sender-flags", headers=ADMIN).json()
    assert (shown["id"], shown["sender"], shown["error_code"]) == (str(flag), "+15005550006", "30034")

    path, wanted = f"/api/v1/sender-flags/{flag}/clear", {"reason": "Registered."}
    assert client.post(path, json={"reason": " "}, headers=ADMIN).status_code == 422
    assert client.post(path, json=wanted, headers=ADMIN).status_code == 204
    assert client.get("/api/v1/sender-flags", headers=ADMIN).json() == []
    assert client.post(path, json=wanted, headers=ADMIN).status_code == 404
    assert [row["action"] for row in database.execute("SELECT action FROM admin_audit_logs")] == ["sender_flag.clear"]


def test_nobody_else_sees_or_decides(client: AppClient, database: Connection) -> None:
    delivery = store(database, "unknown")
    for path in (PATH, f"{PATH}/{delivery}", "/api/v1/sender-flags"):
        assert client.get(path).status_code == 401
    assert client.post(f"{PATH}/{delivery}/resolve", json={"decision": "sent", "reason": "x"}).status_code == 401
