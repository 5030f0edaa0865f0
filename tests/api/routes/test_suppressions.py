"""/api/v1/suppressions: seen by operators, lifted on record, and against the recipient's wish only with a reason."""

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
PATH = "/api/v1/suppressions"
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


def suppress(database: Connection, address: str, source: str = "bounce", channel: str = "email") -> UUID:
    suppression = new_id()
    database.execute(
        "INSERT INTO opt_outs (id, org_id, client_id, channel, address, source) VALUES (%s, %s, %s, %s, %s, %s)",
        [suppression, ORGANIZATION_ID, CLIENT_ID, channel, address, source],
    )
    return suppression


def test_both_channels_are_listed_newest_first_page_by_page(client: AppClient, database: Connection) -> None:
    suppress(database, "a@x.example")
    suppress(database, "+15005550001", "keyword", "sms")
    suppress(database, "b@x.example", "complaint")

    first = client.get(PATH, params={"client": str(CLIENT_ID), "limit": 2}, headers=ADMIN).json()
    assert [(item["address"], item["source"]) for item in first["items"]] == [
        ("b@x.example", "complaint"),
        ("+15005550001", "keyword"),
    ]
    rest = client.get(PATH, params={"limit": 2, "after": first["next"]}, headers=ADMIN).json()
    assert ([item["address"] for item in rest["items"]], rest["next"]) == (["a@x.example"], None)


def test_they_are_found_by_client_channel_and_address(client: AppClient, database: Connection) -> None:
    suppress(database, "a@x.example")
    suppress(database, "+15005550001", "keyword", "sms")

    def found(**conditions: str) -> list[str]:
        items = client.get(PATH, params=conditions, headers=ADMIN).json()["items"]
        return [item["address"] for item in items]

    assert found(client=str(new_id())) == []
    assert found(channel="sms") == ["+15005550001"]
    assert found(address="a@x.example") == ["a@x.example"]


def test_a_bounce_is_lifted_and_stays_on_record(client: AppClient, database: Connection) -> None:
    suppression = suppress(database, "a@x.example")
    answer = client.delete(f"{PATH}/{suppression}", params={"because": "The mailbox is back."}, headers=ADMIN)
    assert (answer.status_code, answer.content) == (204, b"")
    assert database.execute("SELECT FROM opt_outs").fetchall() == []

    (entry,) = database.execute("SELECT * FROM admin_audit_logs").fetchall()
    assert (entry["action"], entry["target_id"], entry["reason"]) == (
        "suppression.lift",
        str(suppression),
        "The mailbox is back.",
    )
    assert (entry["org_id"], entry["client_id"]) == (ORGANIZATION_ID, CLIENT_ID)
    assert entry["before"]["source"] == "bounce"
    assert "a@x" not in str(entry["before"])


@pytest.mark.parametrize(
    ("source", "channel"),
    [("keyword", "sms"), ("provider", "sms"), ("complaint", "email"), ("unsubscribe", "email")],
)
def test_a_recipients_own_wish_is_lifted_only_with_a_reason(
    client: AppClient, database: Connection, source: str, channel: str
) -> None:
    suppression = suppress(database, "+15005550001" if channel == "sms" else "a@x.example", source, channel)
    for because in ({}, {"because": "  "}):
        answer = client.delete(f"{PATH}/{suppression}", params=because, headers=ADMIN)
        assert answer.status_code == 422
        assert "asked not to be written to" in answer.json()["detail"]
    assert len(database.execute("SELECT FROM opt_outs").fetchall()) == 1
    assert database.execute("SELECT FROM admin_audit_logs").fetchall() == []

    answer = client.delete(f"{PATH}/{suppression}", params={"because": "It asked by phone today."}, headers=ADMIN)
    assert answer.status_code == 204
    assert database.execute("SELECT FROM opt_outs").fetchall() == []


def test_what_is_not_there_can_not_be_lifted(client: AppClient) -> None:
    assert client.delete(f"{PATH}/{new_id()}", headers=ADMIN).status_code == 404


def test_only_operators_see_and_lift_them(client: AppClient, database: Connection) -> None:
    suppression = suppress(database, "a@x.example")
    assert client.get(PATH).status_code == 401
    assert client.delete(f"{PATH}/{suppression}").status_code == 401
    assert len(database.execute("SELECT FROM opt_outs").fetchall()) == 1
