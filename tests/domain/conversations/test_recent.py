"""The messages that came in last: found by an index, whatever history has piled up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest

from domain.conversations.asked import read_asked
from domain.conversations.journey_finding import journey_with
from domain.conversations.recent import RecentMessage, Which, recent_messages
from domain.kernel.database import Database, raw_connection
from domain.kernel.looking import STRETCH, Found
from tests.support.databases import Databases
from tests.support.long_history import fill_messages, new_client, rows_read

pytestmark = pytest.mark.integration
_MANY = 12_000
_ORG = UUID("01900000-0000-7000-8000-0000000000c1")
_OTHER = UUID("01900000-0000-7000-8000-0000000000c2")
_PROCESSED = """
    INSERT INTO contacts (id, org_id, client_id, channel, address)
    SELECT md5(client_id || address)::uuid, org_id, client_id, 'sms', address FROM messages
    GROUP BY org_id, client_id, address
"""
_THREADS = """
    INSERT INTO conversations (id, org_id, client_id, contact_id, channel)
    SELECT id, org_id, client_id, id, 'sms' FROM contacts
"""
_JOINED = "UPDATE messages SET conversation_id = md5(client_id || address)::uuid"


@dataclass(frozen=True)
class History:
    """An organization with a busy and a quiet client, and another one that is busy as well."""

    database: Database
    busy: UUID
    quiet: UUID


@pytest.fixture(scope="module")
def history(databases: Databases) -> Iterator[History]:
    with databases.migrated() as urls:
        with psycopg.connect(urls.superuser, autocommit=True) as connection:
            quiet, busy, other = (new_client(connection, org) for org in (_ORG, _ORG, _OTHER))
            fill_messages(connection, _ORG, quiet, 20)
            fill_messages(connection, _ORG, busy, _MANY)
            fill_messages(connection, _OTHER, other, _MANY)
            for statement in (_PROCESSED, _THREADS, _JOINED, "VACUUM ANALYZE messages, contacts, conversations"):
                connection.execute(statement.encode())
        database = Database(urls.app, urls.platform, pool_size=2)
        yield History(database, busy, quiet)
        database.close()


def _listed(
    history: History, which: Which, *, clients: list[UUID] | None = None, before_id: UUID | None = None
) -> tuple[Found[RecentMessage], int]:
    """Return a page in the scope of the organization, and how many messages were read for it."""
    with history.database.tenant_scope(_ORG, clients) as session:
        before = rows_read(raw_connection(session), "messages")
        found = recent_messages(session, which, limit=50, before_id=before_id)
        return found, rows_read(raw_connection(session), "messages") - before


def test_a_page_reads_no_more_than_it_shows(history: History) -> None:
    found, read = _listed(history, Which())
    assert len(found.rows) == 50
    assert read <= 60
    older, read = _listed(history, Which(), before_id=found.next_id)
    assert older.rows[0].id < found.rows[-1].id
    assert read <= 60


@pytest.mark.parametrize("narrowed", [False, True], ids=["by a filter", "by the scope"])
def test_a_quiet_client_in_a_busy_organization_is_found_at_once(history: History, narrowed: bool) -> None:  # noqa: FBT001
    which = Which() if narrowed else Which(client_id=history.quiet)
    found, read = _listed(history, which, clients=[history.quiet] if narrowed else None)
    assert (len(found.rows), found.next_id) == (20, None)
    assert read <= 60


def test_the_texts_of_a_number_are_found_by_its_conversations(history: History) -> None:
    found, read = _listed(history, Which(number="+12125550007"))
    assert len(found.rows) == 4  # of the busy client three, and of the quiet one
    assert read <= 60


def test_words_are_looked_for_in_a_stretch_and_it_is_said_how_far(history: History) -> None:
    seen: list[UUID] = []
    place: UUID | None = None
    while True:
        found, read = _listed(history, Which(text="DRAIN"), before_id=place)
        assert read <= 2 * STRETCH + 60
        seen += [row.id for row in found.rows]
        place = found.next_id
        if place is None:
            break
        assert found.looked_until is not None
    assert len(seen) == len(set(seen)) == 12


def test_the_whole_platform_reads_no_more_either(history: History) -> None:
    with history.database.platform_scope() as session:
        before = rows_read(raw_connection(session), "messages")
        assert len(recent_messages(session, Which(), limit=50).rows) == 50
        assert rows_read(raw_connection(session), "messages") - before <= 120


def test_an_id_is_looked_up_by_indexes_alone(history: History) -> None:
    with history.database.tenant_scope(_ORG) as session:
        row = raw_connection(session).execute("SELECT external_id, correlation_id FROM messages LIMIT 1").fetchone()
        assert row is not None
    for scope in (history.database.tenant_scope(_ORG), history.database.platform_scope()):
        with scope as session:
            before = rows_read(raw_connection(session), "messages")
            assert journey_with(session, row[0]) == row[1]
            assert journey_with(session, "SM" + "0" * 32) is None
            assert rows_read(raw_connection(session), "messages") - before <= 20
    with history.database.tenant_scope(_OTHER) as session:
        assert journey_with(session, row[0]) is None


@pytest.mark.parametrize(
    ("typed", "is_id", "number", "text"),
    [
        ("", False, None, None),
        ("+1 (212) 555-0142", False, "+12125550142", None),
        ("01900000-0000-7000-8000-0000000000c1", True, None, None),
        ("SM" + "a" * 32, True, None, None),
        ("drain cleaning", False, None, "drain cleaning"),
        ("appointment", True, None, "appointment"),
        ("12345", False, None, "12345"),
    ],
)
def test_what_is_typed_may_be_a_number_an_id_or_words(
    history: History,
    typed: str,
    is_id: bool,  # noqa: FBT001
    number: str | None,
    text: str | None,
) -> None:
    with history.database.tenant_scope(_ORG) as session:
        asked = read_asked(session, f" {typed} ")
    assert (asked.id is not None, asked.number, asked.text) == (is_id, number, text)
