"""What is kept of somebody who wants to be called back, and who hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from domain.kernel.database import Database
from domain.kernel.errors import GatehouseError
from domain.leads.browse import list_leads
from domain.leads.capture import (
    LeadKeyReusedError,
    NewLead,
    NoAddressError,
    UnusableEmailError,
    UnusableNumberError,
    capture_lead,
)
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID, OWNER_PHONE

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ANN: Final = NewLead(
    ORGANIZATION_ID, CLIENT_ID, "key-1", "Ann  Lee", "(212) 555-0142", "", "My boiler is cold.\nPlease call"
)


@dataclass
class Desk:
    """Where leads of the demo client are taken down."""

    database: Database
    connection: psycopg.Connection[Any]

    def capture(self, lead: NewLead) -> UUID:
        with self.database.tenant_scope(ORGANIZATION_ID) as session:
            return capture_lead(session, lead, now=datetime.now(UTC))

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall()


@pytest.fixture
def desk(database_urls: DatabaseUrls) -> Iterator[Desk]:
    apply(database_urls.platform, "demo")
    with (
        psycopg.connect(database_urls.platform, autocommit=True) as connection,
        closing(Database(database_urls.app, database_urls.platform)) as database,
    ):
        yield Desk(database, connection)


def test_a_lead_is_kept_with_its_number_in_full_and_the_owner_is_told(desk: Desk) -> None:
    lead_id = desk.capture(ANN)

    (lead,) = desk.rows("SELECT * FROM leads")
    assert (lead["id"], lead["name"], lead["phone"], lead["email"]) == (lead_id, "Ann Lee", "+12125550142", None)
    (alert,) = desk.rows("SELECT * FROM deliveries")
    assert (alert["purpose"], alert["to_address"]) == ("owner_alert", OWNER_PHONE)
    assert alert["body"] == (
        "Harbor Plumbing: New request. Ann Lee (+12125550142) asks to be called back and wrote:"
        ' "My boiler is cold. Please call" Please get in touch with them.'
    )


def test_a_repeat_is_taken_down_once_and_told_once(desk: Desk) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(lambda _: desk.capture(ANN), range(8)))

    assert len(ids) == 1
    assert len(desk.rows("SELECT FROM leads")) == len(desk.rows("SELECT FROM deliveries")) == 1
    with pytest.raises(LeadKeyReusedError):
        desk.capture(replace(ANN, message="something else"))


@pytest.mark.parametrize(
    ("owner_side", "state"),
    [
        ("UPDATE clients SET notifications_paused = true", "suppressed"),
        ("UPDATE clients SET outbound_paused = true", "suppressed"),
        ("UPDATE client_settings SET notification_channel = 'none'", "suppressed"),
        ("UPDATE client_settings SET alert_kinds = '{}'", "suppressed"),
        ("UPDATE clients SET owner_phone = NULL, owner_email = NULL", "suppressed"),
    ],
)
def test_a_lead_is_kept_though_nobody_is_told(desk: Desk, owner_side: str, state: str) -> None:
    desk.connection.execute(owner_side)
    desk.capture(ANN)

    assert len(desk.rows("SELECT FROM leads")) == 1
    assert desk.rows("SELECT FROM deliveries") == []
    assert [row["state"] for row in desk.rows("SELECT state FROM owner_alerts")] == [state]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"phone": ""}, NoAddressError),
        ({"phone": "  ", "email": " "}, NoAddressError),
        ({"phone": "12345"}, UnusableNumberError),
        ({"phone": "call me"}, UnusableNumberError),
        ({"phone": "+1 212 555 0142 ext. 9"}, UnusableNumberError),
        ({"email": "ann at example"}, UnusableEmailError),
        ({"email": "ann@example.com\r\nBcc: all@example.com"}, UnusableEmailError),
    ],
)
def test_what_nobody_could_answer_to_is_refused_in_words(
    desk: Desk, changes: dict[str, str], problem: type[GatehouseError]
) -> None:
    with pytest.raises(problem) as raised:
        desk.capture(replace(ANN, **changes))  # type: ignore[arg-type]

    assert "212" not in str(raised.value)
    assert desk.rows("SELECT FROM leads") == []


def test_numbers_are_read_as_people_write_them_where_the_client_is(desk: Desk) -> None:
    desk.connection.execute("UPDATE clients SET sms_number = '+442079460000'")
    desk.capture(replace(ANN, phone="020 7946 0958"))

    assert desk.rows("SELECT phone FROM leads") == [{"phone": "+442079460958"}]


def test_endpoints_hear_of_a_lead(desk: Desk) -> None:
    desk.connection.execute(
        "INSERT INTO webhook_endpoints (id, org_id, url, events, sealed_secret)"
        " VALUES (gen_random_uuid(), %s, 'https://example.com', '{lead.captured}', 'x')",
        [ORGANIZATION_ID],
    )
    lead_id = desk.capture(replace(ANN, email="ann@example.com"))

    (event,) = desk.rows("SELECT * FROM webhook_events")
    assert event["type"] == "lead.captured"
    assert event["payload"]["lead_id"] == str(lead_id)
    assert (event["payload"]["phone"], event["payload"]["email"]) == ("+12125550142", "ann@example.com")
    assert "idempotency_key" not in event["payload"]


def test_leads_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    ids = [desk.capture(replace(ANN, idempotency_key=f"key-{number}")) for number in range(5)]

    with desk.database.tenant_scope(ORGANIZATION_ID) as session:
        first = [lead.id for lead in list_leads(session, client_id=CLIENT_ID, limit=3)]
        rest = [lead.id for lead in list_leads(session, after=first[-1], limit=3)]
    assert [*first, *rest] == ids[::-1]
