"""A tenant with endpoints, seen from all sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from domain.kernel.database import Database
from domain.kernel.ids import new_id
from domain.webhooks.emit import emit
from domain.webhooks.events import JSON, EventType
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.databases import DatabaseUrls

Row = dict[str, Any]


@dataclass
class House:
    """The demo tenant, what it is told, and the rows that show it."""

    database: Database
    connection: psycopg.Connection[Row]

    def endpoint(
        self,
        events: Sequence[str] = ("*",),
        *,
        url: str = "https://hooks.example.com/in",
        enabled: bool = True,
        client_id: UUID | None = None,
        org_id: UUID = ORGANIZATION_ID,
    ) -> UUID:
        """Insert an endpoint and return its id."""
        endpoint_id = new_id()
        self.connection.execute(
            "INSERT INTO webhook_endpoints (id, org_id, client_id, url, events, sealed_secret, enabled)"
            " VALUES (%s, %s, %s, %s, %s, '', %s)",
            [endpoint_id, org_id, client_id, url, list(events), enabled],
        )
        return endpoint_id

    def emit(
        self,
        event_type: EventType = EventType.MESSAGE_RECEIVED,
        payload: dict[str, JSON] | None = None,
        *,
        client_id: UUID | None = CLIENT_ID,
        correlation_id: UUID | None = None,
    ) -> None:
        """Emit an event of the demo tenant in a transaction of its own."""
        with self.database.tenant_scope(ORGANIZATION_ID) as session:
            emit(
                session,
                event_type,
                payload or {"text": "hello"},
                org_id=ORGANIZATION_ID,
                client_id=client_id,
                correlation_id=correlation_id,
            )

    def rows(self, statement: str, *parameters: object) -> list[Row]:
        """Return the rows of a query."""
        return self.connection.execute(statement, parameters).fetchall()

    def events(self) -> list[Row]:
        """Return all events, first one first."""
        return self.rows("SELECT * FROM webhook_events ORDER BY occurred_at, id")

    def sends(self) -> list[Row]:
        """Return all sends, first one first."""
        return self.rows("SELECT * FROM webhook_sends ORDER BY id")

    def jobs(self, kind: str = "webhooks.send") -> list[Row]:
        """Return the jobs of a kind, first one first."""
        return self.rows("SELECT * FROM jobs WHERE kind = %s ORDER BY id", kind)


@pytest.fixture
def house(database_urls: DatabaseUrls, database: Database) -> Iterator[House]:
    """Give the demo tenant without any endpoint."""
    apply(database_urls.platform, "demo")
    with psycopg.connect(database_urls.platform, autocommit=True, row_factory=dict_row) as connection:
        yield House(database, connection)
