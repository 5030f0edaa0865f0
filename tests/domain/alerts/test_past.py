"""How the ways to an owner did, read from few rows however much the client's customers were sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from domain.alerts.overview import list_alerts
from domain.alerts.past import past_of
from domain.alerts.trial import last_trials
from domain.clients.listing import Which
from domain.kernel.database import Database, raw_connection
from tests.support.databases import Databases
from tests.support.long_history import fill_deliveries, new_client, rows_read

pytestmark = pytest.mark.integration
_ORG = UUID("01900000-0000-7000-8000-0000000000b1")


@pytest.fixture(scope="module")
def busy(databases: Databases) -> Iterator[tuple[Database, UUID]]:
    """Give a client that sent much to its customers and little to its owner."""
    with databases.migrated() as urls:
        with psycopg.connect(urls.superuser, autocommit=True) as connection:
            client_id = new_client(connection, _ORG, "Busy")
            fill_deliveries(connection, _ORG, client_id, 2_000, purpose="owner_alert")
            fill_deliveries(connection, _ORG, client_id, 20_000)
            connection.execute("VACUUM ANALYZE deliveries")
        database = Database(urls.app, urls.platform, pool_size=2)
        yield database, client_id
        database.close()


def test_the_last_success_and_failure_are_found_in_a_stretch(busy: tuple[Database, UUID]) -> None:
    database, client_id = busy
    with database.tenant_scope(_ORG) as session:
        before = rows_read(raw_connection(session), "deliveries")
        past = past_of(session, [client_id])[client_id]
        assert rows_read(raw_connection(session), "deliveries") - before <= 2_100
    now = datetime.now(UTC)
    assert past["sms"].last_success_at is not None
    assert past["sms"].last_success_at > now - timedelta(minutes=10)
    assert past["sms"].last_failure_at is not None
    assert past["email"].last_success_at is None


def test_clients_are_listed_with_how_they_stand(busy: tuple[Database, UUID]) -> None:
    database, client_id = busy
    with database.tenant_scope(_ORG) as session:
        (one,) = list_alerts(session, Which(search="bus"), now=datetime.now(UTC))
        assert last_trials(session, client_id) == []
    assert (one.client_id, one.name, one.status.reachable) == (client_id, "Busy", False)
    assert one.past["sms"].last_success_at is not None
