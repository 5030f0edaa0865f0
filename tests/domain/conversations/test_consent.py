"""What a contact says of being written to: read at the edge, obeyed from the commit on, in the order it was said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.settings import Settings
from domain.conversations.accept import ACCEPT, Inbound, parameters
from domain.conversations.keywords import consent_of
from domain.delivery.opt_outs import is_opted_out
from domain.delivery.request import NewDelivery, request_delivery
from domain.kernel.database import Database
from domain.kernel.ids import id_at, new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.hand_worker import HandWorker

if TYPE_CHECKING:
    from tests.support.databases import Databases, DatabaseUrls

WORDS = {
    "stop": ["STOP", "Unsubscribe", "end", "QUIT", "StopAll", "revoke", "OPTOUT", " cancel ", "Stop!"],
    "start": ["START", "Yes", "unstop"],
    "help": ["HELP", "info"],
}
PROCESS, SEND = "(process)", "(send)"


@dataclass
class Desk:
    """The demo client's inbound and outbound work, done when it is told to."""

    database: Database
    connection: psycopg.Connection[Any]
    worker: HandWorker

    def receive(self, address: str, body: str, **changes: object) -> Inbound:
        message = Inbound(ORGANIZATION_ID, CLIENT_ID, "sms", address, body, external_id=uuid4().hex)
        message = replace(message, **changes)  # type: ignore[arg-type]
        self.connection.execute(ACCEPT, parameters([message], direct=False))
        return message

    def process(self) -> None:
        self.worker.work("conversations.process")

    def send(self, address: str) -> int:
        """Have a reply sent; return how many texts the provider took for this address meanwhile."""
        before = self._taken(address)
        new = NewDelivery(
            org_id=ORGANIZATION_ID,
            client_id=CLIENT_ID,
            purpose="reply",
            channel="sms",
            to_address=address,
            body="A text",
            direct_reply=True,
        )
        with self.database.tenant_scope(ORGANIZATION_ID) as session:
            request_delivery(session, new)
        self.worker.work("delivery.send")
        return self._taken(address) - before

    def opted_out(self, address: str) -> bool:
        with self.database.tenant_scope(ORGANIZATION_ID) as session:
            return is_opted_out(session, CLIENT_ID, "sms", address)

    def recorded(self, address: str) -> bool:
        query = "SELECT FROM opt_outs WHERE address = %s"
        return self.connection.execute(query, [address]).fetchone() is not None

    def outcomes(self, address: str) -> list[str | None]:
        query = "SELECT outcome FROM messages WHERE address = %s AND direction = 'in' ORDER BY id"
        return [row[0] for row in self.connection.execute(query, [address]).fetchall()]

    def _taken(self, address: str) -> int:
        query = "SELECT count(*) FROM sandbox_messages WHERE to_address = %s"
        (taken,) = self.connection.execute(query, [address]).fetchone() or (0,)
        return int(taken)


@pytest.fixture(scope="module")
def urls(databases: Databases) -> Iterator[DatabaseUrls]:
    with databases.migrated() as urls:
        apply(urls.platform, "demo")
        yield urls


@pytest.fixture(scope="module")
def desk(urls: DatabaseUrls) -> Iterator[Desk]:
    given = Settings(
        environment="test",
        database_url=urls.app,
        platform_database_url=urls.platform,
        broker_url="redis://127.0.0.1:1/0",
        redis_url="redis://127.0.0.1:1/0",
        secret_key="secret-key-for-tests-0123456789-0123456789",
    )  # type: ignore[call-arg,arg-type,unused-ignore]
    with (
        psycopg.connect(urls.platform, autocommit=True) as connection,
        closing(Database(urls.app, urls.platform)) as database,
        HandWorker(given) as worker,
    ):
        yield Desk(database, connection, worker)


_numbers = count(15_005_550_100)


@pytest.fixture
def contact() -> str:
    """Give a telephone number that nobody else has."""
    return f"+{next(_numbers)}"


@pytest.mark.parametrize(("meaning", "word"), [(meaning, word) for meaning, words in WORDS.items() for word in words])
def test_each_keyword_is_known_in_any_case(meaning: str, word: str) -> None:
    assert consent_of(word) == meaning


@pytest.mark.parametrize("text", ["", "Please stop by", "yes please", "helpful", "STOP " * 20, "🛑"])
def test_a_keyword_within_a_text_is_no_keyword(text: str) -> None:
    assert consent_of(text) is None


@pytest.mark.parametrize(
    ("body", "stated", "meaning"),
    [("Arrêt", "STOP", "stop"), ("STOP", "HELP", "help"), ("Hola", "start", "start"), ("STOP", "NEWER", "stop")],
)
def test_what_twilio_says_wins_over_our_own_reading(body: str, stated: str, meaning: str) -> None:
    assert consent_of(body, stated) == meaning


@pytest.mark.integration
@settings(max_examples=40)
@example(["STOP", SEND, "YES", SEND, PROCESS, SEND])
@example(["YES", PROCESS, "STOP", "START", "STOP", SEND, PROCESS, SEND])
@example(["STOP", PROCESS, "START", "STOP", SEND])
@given(st.lists(st.sampled_from(["STOP", "quit", "START", "yes", "HELP", "Hello", PROCESS, SEND]), max_size=10))
def test_the_last_keyword_decides_whatever_is_processed_when(desk: Desk, said: list[str]) -> None:
    address, last = f"+{next(_numbers)}", None
    for each in said:
        if each == PROCESS:
            desk.process()
        elif each == SEND:
            sent = desk.send(address)
            assert not (sent and last == "stop"), said
        else:
            desk.receive(address, each)
            last = {"stop": "stop", "start": "start"}.get(consent_of(each) or "", last)
            assert last != "stop" or desk.opted_out(address)
    desk.process()
    assert desk.recorded(address) == desk.opted_out(address) == (last == "stop")
    assert bool(desk.send(address)) == (last != "stop")


@pytest.mark.integration
def test_a_stop_that_comes_late_does_not_undo_the_start_that_followed_it(desk: Desk, contact: str) -> None:
    desk.receive(contact, "START")
    desk.process()
    missed = datetime.now(UTC) - timedelta(hours=1)
    desk.receive(contact, "STOP", came_by="recovery", received_at=missed, message_id=id_at(missed))
    assert not desk.opted_out(contact)
    desk.process()
    assert not desk.opted_out(contact)
    assert desk.outcomes(contact)[0] == "opted_out"


@pytest.mark.integration
def test_a_start_that_comes_late_does_not_undo_the_stop_that_followed_it(desk: Desk, contact: str) -> None:
    desk.receive(contact, "STOP")
    desk.process()
    missed = datetime.now(UTC) - timedelta(hours=1)
    desk.receive(contact, "START", came_by="recovery", received_at=missed, message_id=id_at(missed))
    desk.process()
    assert desk.opted_out(contact)


@pytest.mark.integration
def test_a_stop_counts_after_a_start_that_a_clock_in_advance_took_in(desk: Desk, contact: str) -> None:
    desk.receive(contact, "START", message_id=id_at(datetime.now(UTC) + timedelta(hours=1)))
    desk.process()
    desk.receive(contact, "STOP")
    desk.process()
    assert desk.recorded(contact)
    assert not desk.send(contact)


@pytest.mark.integration
def test_advanced_opt_out_counts_in_any_language_and_is_not_answered(desk: Desk, contact: str) -> None:
    for body, stated in (("Arrêt", "STOP"), ("Reprendre", "START"), ("Aide", "HELP"), ("Encore", "START")):
        desk.receive(contact, body, opt_out_type=stated)
    desk.process()
    assert desk.outcomes(contact) == ["opted_out", "opted_in", "help", "opted_in"]
    assert not desk.opted_out(contact)


@pytest.mark.integration
@pytest.mark.parametrize("switch", ["outbound_paused = true", "ai_disabled = true", "payment_active = false"])
def test_consent_counts_while_the_gate_blocks(desk: Desk, contact: str, switch: str) -> None:
    try:
        desk.connection.execute(f"UPDATE clients SET {switch}")  # noqa: S608  # words of the test
        desk.receive(contact, "STOP")
        desk.process()
        assert desk.recorded(contact)
        desk.receive(contact, "START")
        desk.process()
        assert not desk.recorded(contact)
    finally:
        desk.connection.execute(
            "UPDATE clients SET outbound_paused = false, ai_disabled = false, payment_active = true"
        )


@pytest.mark.integration
def test_consent_counts_while_a_person_answers(desk: Desk, contact: str) -> None:
    desk.receive(contact, "Hello")
    desk.process()
    desk.connection.execute("UPDATE conversations SET taken_over_until = now() + interval '1 hour'")
    try:
        for body, recorded in (("STOP", True), ("START", False)):
            desk.receive(contact, body)
            desk.process()
            assert desk.recorded(contact) is recorded
    finally:
        desk.connection.execute("UPDATE conversations SET taken_over_until = NULL")


@pytest.mark.integration
def test_changes_of_consent_are_told_to_the_tenants_endpoints(desk: Desk, contact: str) -> None:
    desk.connection.execute(
        "INSERT INTO webhook_endpoints (id, org_id, client_id, url, events, sealed_secret)"
        " VALUES (%s, %s, NULL, 'https://example.com', '{*}', 'a')",
        [new_id(), ORGANIZATION_ID],
    )
    for body in ("STOP", "STOP", "START", "YES"):
        desk.receive(contact, body)
        desk.process()
    query = "SELECT type FROM webhook_events WHERE type LIKE 'contact.%%' AND payload ->> 'address' = %s ORDER BY id"
    rows = desk.connection.execute(query, [contact]).fetchall()
    assert [row[0] for row in rows] == ["contact.opted_out", "contact.opted_in"]


@pytest.mark.integration
def test_the_last_word_is_found_by_its_own_index(desk: Desk, contact: str, urls: DatabaseUrls) -> None:
    desk.connection.execute(
        "INSERT INTO messages (id, org_id, client_id, direction, channel, address, author, body, correlation_id)"
        " SELECT gen_random_uuid(), %(org)s, %(client)s, 'in', 'sms', %(address)s, 'contact', 'a', gen_random_uuid()"
        " FROM generate_series(1, 20000)",
        {"org": ORGANIZATION_ID, "client": CLIENT_ID, "address": contact},
    )
    with psycopg.connect(urls.superuser, autocommit=True) as superuser:
        superuser.execute("ANALYZE messages")
        rows = superuser.execute(
            "EXPLAIN SELECT consent FROM messages WHERE client_id = %s AND channel = 'sms' AND address = %s"
            " AND consent IN ('stop', 'start') ORDER BY id DESC LIMIT 1",
            [CLIENT_ID, contact],
        ).fetchall()
    assert any("messages_consent" in row[0] for row in rows)
    desk.connection.execute("DELETE FROM messages WHERE address = %s", [contact])
