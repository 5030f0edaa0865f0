"""Texts that never reached us are taken in from the provider's list: once, in order, and not answered too late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest

from config.settings import Settings
from domain.audit.record import Actor
from domain.clients.change import change_client
from domain.conversations.accept import ACCEPT, Inbound, parameters
from domain.conversations.ports import InboundUnavailableError, ListedText, Listing
from domain.conversations.recover import Recovered, recover_all
from domain.kernel.clock import ManualClock
from domain.kernel.database import Database
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.hand_worker import HandWorker

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
CUSTOMER = "+15005550001"
NUMBER = "+15005550006"


@dataclass
class Listed:
    """A provider's list, kept by hand."""

    texts: list[ListedText] = field(default_factory=list)
    asked: list[tuple[str, datetime]] = field(default_factory=list)
    away: bool = False
    complete: bool = True

    def add(self, body: str, at: datetime, media: int = 0, sid: str = "") -> str:
        self.texts.append(ListedText(sid or f"SM{uuid4().hex}", CUSTOMER, body, media, at))
        return self.texts[-1].sid

    def texts_to(self, number: str, since: datetime) -> Listing:
        self.asked.append((number, since))
        if self.away:
            raise InboundUnavailableError
        return Listing([text for text in self.texts if text.sent_at >= since], self.complete)

    def media_of(self, sid: str) -> str:
        return f'[{{"url": "https://media.example/{sid}", "content_type": "image/png"}}]'


@dataclass
class Desk:
    """The demo client's inbound texts, and a list that may have more of them."""

    database: Database
    connection: psycopg.Connection[Any]
    listed: Listed
    clock: ManualClock
    urls: DatabaseUrls

    def recover(self) -> Recovered:
        return recover_all(self.database.platform_scope, self.listed, self.clock)

    def rows(self, query: str) -> Sequence[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def process(self) -> None:
        given = Settings(
            environment="test",
            database_url=self.urls.app,
            platform_database_url=self.urls.platform,
            broker_url="redis://127.0.0.1:1/0",
            redis_url="redis://127.0.0.1:1/0",
            secret_key="secret-key-for-tests-0123456789-0123456789",
        )  # type: ignore[call-arg,arg-type,unused-ignore]
        with HandWorker(given) as worker:
            worker.work("conversations.process")


@pytest.fixture
def desk(database_urls: DatabaseUrls) -> Iterator[Desk]:
    apply(database_urls.platform, "demo")
    with (
        psycopg.connect(database_urls.platform, autocommit=True) as connection,
        closing(Database(database_urls.app, database_urls.platform)) as database,
    ):
        connection.execute("UPDATE clients SET updated_at = now() - interval '2 days'")
        yield Desk(database, connection, Listed(), ManualClock(datetime.now(UTC)), database_urls)


def test_what_is_missing_is_taken_in_once_with_its_time(desk: Desk) -> None:
    at = desk.clock.now() - timedelta(minutes=30)
    known = Inbound(ORGANIZATION_ID, CLIENT_ID, "sms", CUSTOMER, "known", external_id=f"SM{uuid4().hex}")
    desk.connection.execute(ACCEPT, parameters([known], direct=False))
    desk.listed.add("known", at, sid=known.external_id)
    desk.listed.add("missing", at, media=1)
    desk.listed.add("STOP", at + timedelta(minutes=1))

    assert [desk.recover().texts for _ in range(2)] == [2, 0]
    rows = desk.rows("SELECT body, came_by, received_at, consent, media FROM messages ORDER BY id")
    assert [row[:4] for row in rows] == [
        ("missing", "recovery", at, None),
        ("STOP", "recovery", at + timedelta(minutes=1), "stop"),
        ("known", "webhook", rows[2][2], None),
    ]
    assert rows[0][4][0]["content_type"] == "image/png"
    assert desk.rows("SELECT count(*) FROM jobs WHERE kind = 'conversations.process'") == [(3,)]
    assert desk.rows("SELECT kind, subject, count FROM operator_notices") == [("inbound_gap", f"client:{CLIENT_ID}", 1)]


def test_a_text_that_may_still_be_on_its_way_is_left_to_its_webhook(desk: Desk) -> None:
    desk.listed.add("just now", desk.clock.now() - timedelta(seconds=30))
    assert desk.recover().texts == 0
    desk.clock.advance(timedelta(minutes=3))
    assert desk.recover().texts == 1


def test_each_look_begins_before_the_end_of_the_last_one(desk: Desk) -> None:
    start = desk.clock.now()
    desk.recover()
    desk.clock.advance(timedelta(hours=1))
    desk.recover()
    assert desk.listed.asked[0] == (NUMBER, start - timedelta(hours=24))
    assert desk.listed.asked[1] == (NUMBER, start - timedelta(minutes=17))


def test_a_list_that_cannot_be_had_moves_nothing_and_is_told_until_it_can(desk: Desk) -> None:
    desk.recover()
    before = desk.rows("SELECT complete_until FROM inbound_watermarks")
    desk.listed.away = True
    desk.clock.advance(timedelta(hours=1))
    assert desk.recover().failed == 1
    assert desk.rows("SELECT complete_until FROM inbound_watermarks") == before
    assert desk.rows("SELECT count(*) FROM operator_notices WHERE resolved_at IS NULL") == [(1,)]
    desk.listed.away = False
    assert desk.recover() == Recovered(1, 0, 0)
    assert desk.rows("SELECT count(*) FROM operator_notices WHERE resolved_at IS NULL") == [(0,)]


def test_a_list_that_is_too_long_is_looked_through_again(desk: Desk) -> None:
    desk.recover()
    before = desk.rows("SELECT complete_until FROM inbound_watermarks")
    desk.listed.complete = False
    desk.clock.advance(timedelta(hours=1))
    desk.recover()
    assert desk.rows("SELECT complete_until FROM inbound_watermarks") == before
    assert desk.rows("SELECT count(*) FROM operator_notices WHERE resolved_at IS NULL") == [(1,)]


def test_a_text_of_long_ago_is_for_the_owner_and_a_recent_one_is_answered(desk: Desk) -> None:
    desk.listed.add("What did it cost?", desk.clock.now() - timedelta(hours=7))
    desk.recover()
    desk.process()
    assert desk.rows("SELECT outcome FROM messages WHERE direction = 'in'") == [("came_late",)]
    assert desk.rows("SELECT count(*) FROM messages WHERE direction = 'out'") == [(0,)]
    ((summary,),) = desk.rows("SELECT summary FROM owner_alerts")
    assert "7 hours ago" in summary
    desk.listed.add("What are your opening hours?", desk.clock.now() - timedelta(hours=1))
    desk.connection.execute("UPDATE inbound_watermarks SET complete_until = complete_until - interval '2 hours'")
    desk.recover()
    desk.process()
    assert desk.rows("SELECT count(*) FROM messages WHERE direction = 'out'") == [(1,)]


def test_what_came_to_a_number_before_it_was_given_to_this_client_is_left_to_whoever_had_it(desk: Desk) -> None:
    desk.recover()
    with desk.database.tenant_scope(ORGANIZATION_ID) as session:
        change_client(session, CLIENT_ID, {"sms_number": "+15005550042"}, Actor("dana", "super_admin"))
    given = desk.rows("SELECT sms_number_since FROM clients")[0][0]
    desk.clock.set(given + timedelta(hours=1))
    desk.listed.add("another business's", given - timedelta(minutes=5))
    desk.listed.add("ours", given + timedelta(minutes=5))

    assert desk.recover().texts == 1
    assert desk.rows("SELECT body FROM messages") == [("ours",)]
    assert desk.listed.asked[-1] == ("+15005550042", given)
