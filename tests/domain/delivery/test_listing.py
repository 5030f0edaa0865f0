"""Lists of deliveries: what they find, in order, page by page, and that they read no history for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from domain.delivery.listing import Which, last_tries, list_deliveries
from domain.delivery.models import Delivery
from domain.kernel.database import Database, raw_connection
from domain.kernel.ids import new_id
from domain.kernel.looking import STRETCH, Found, Span
from tests.support.databases import Databases
from tests.support.long_history import fill_deliveries, new_client, rows_read

pytestmark = pytest.mark.integration
_MANY = 12_000
_ORG = UUID("01900000-0000-7000-8000-0000000000a1")
_OTHER = UUID("01900000-0000-7000-8000-0000000000a2")


@dataclass(frozen=True)
class History:
    """An organization with a busy and a quiet client, another organization, and what they sent."""

    database: Database
    busy: UUID
    quiet: UUID


@pytest.fixture(scope="module")
def history(databases: Databases) -> Iterator[History]:
    with databases.migrated() as urls:
        with psycopg.connect(urls.superuser, autocommit=True) as connection:
            quiet, busy, other = (new_client(connection, org) for org in (_ORG, _ORG, _OTHER))
            fill_deliveries(connection, _ORG, quiet, 20)
            fill_deliveries(connection, _ORG, busy, _MANY)
            fill_deliveries(connection, _OTHER, other, _MANY)
            connection.execute("VACUUM ANALYZE deliveries")
        database = Database(urls.app, urls.platform, pool_size=2)
        yield History(database, busy, quiet)
        database.close()


def _listed(
    history: History, which: Which, *, clients: list[UUID] | None = None, before_id: UUID | None = None, limit: int = 50
) -> tuple[Found[Delivery], int]:
    """Return a page in the scope of the organization, and how many rows were read for it."""
    with history.database.tenant_scope(_ORG, clients) as session:
        connection = raw_connection(session)
        before = rows_read(connection, "deliveries")
        found = list_deliveries(session, which, limit=limit, before_id=before_id)
        return found, rows_read(connection, "deliveries") - before


def test_a_page_reads_no_more_than_it_shows(history: History) -> None:
    found, read = _listed(history, Which())
    assert len(found.rows) == 50
    assert {row.org_id for row in found.rows} == {_ORG}
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


@pytest.mark.parametrize("clients", [False, True], ids=["of the organization", "of a client"])
def test_what_ended_badly_has_an_index_of_its_own(history: History, clients: bool) -> None:  # noqa: FBT001
    found, read = _listed(history, Which(state="failed"), clients=[history.busy] if clients else None)
    assert (len(found.rows), found.next_id, found.looked_until) == (12, None, None)
    assert read <= 60


def test_the_whole_platform_is_listed_in_order(history: History) -> None:
    with history.database.platform_scope() as session:
        before = rows_read(raw_connection(session), "deliveries")
        found = list_deliveries(session, Which(), limit=50)
        assert rows_read(raw_connection(session), "deliveries") - before <= 60
    ids = [row.id for row in found.rows]
    assert ids == sorted(ids, reverse=True)


def test_what_has_no_index_is_looked_for_in_a_stretch_and_says_how_far(history: History) -> None:
    seen: list[UUID] = []
    place: UUID | None = None
    stretches = 0
    while True:
        found, read = _listed(history, Which(error_code="30003", purpose="reply"), before_id=place)
        assert read <= 2 * STRETCH + 60
        seen += [row.id for row in found.rows]
        stretches += 1
        if found.next_id is None:
            break
        assert found.looked_until is not None
        assert found.looked_until < datetime.now(UTC) - timedelta(hours=1)
        place = found.next_id
    assert (len(seen), len(set(seen)), stretches) == (12, 12, 3)


def test_a_time_narrows_by_the_same_index(history: History) -> None:
    now = datetime.now(UTC)
    span = Span(now - timedelta(hours=2), now - timedelta(hours=1))
    found, read = _listed(history, Which(span=span, client_id=history.busy))
    assert all(span.since <= row.created_at < span.until for row in found.rows)  # type: ignore[operator]
    assert len(found.rows) == 50
    assert read <= 60


def test_the_last_try_at_each_is_found(history: History) -> None:
    with history.database.tenant_scope(_ORG) as session:
        (newest,) = list_deliveries(session, Which(), limit=1).rows
        for attempt in (1, 2):
            raw_connection(session).execute(
                "INSERT INTO notification_logs (id, org_id, client_id, delivery_id, attempt, provider, outcome)"
                " VALUES (%s, %s, %s, %s, %s, 'twilio', 'rejected')",
                [new_id(), newest.org_id, newest.client_id, newest.id, attempt],
            )
        assert last_tries(session, [newest])[newest.id].attempt == 2
        assert last_tries(session, []) == {}
        session.rollback()
