"""The demo client and its owner, with everything real but the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from domain.alerts.digest import send_digest
from domain.alerts.messages import SendDigest
from domain.alerts.raising import Alert, AlertKind, raise_alert
from domain.kernel.clock import ManualClock
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from domain.queue.claim import claim
from domain.queue.message import decode
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

Row = dict[str, Any]


@dataclass
class Office:
    """Where alerts of the demo client are raised and looked at."""

    database: Database
    connection: psycopg.Connection[Any]
    clock: ManualClock
    worker_id: UUID

    def raise_one(self, kind: AlertKind = AlertKind.FAILED_DELIVERY, subject: str | None = None) -> None:
        subject = subject or f"message:{uuid4()}"
        alert = Alert(ORGANIZATION_ID, CLIENT_ID, kind, subject, f"It was about {subject[-4:]}.")
        with self.database.tenant_scope(ORGANIZATION_ID) as session:
            raise_alert(session, alert, now=self.clock.now())

    def prefer(self, assignment: str) -> None:
        self.connection.execute(f"UPDATE client_settings SET {assignment}")  # noqa: S608  # words of the test

    def throw(self, assignment: str) -> None:
        self.connection.execute(f"UPDATE clients SET {assignment}")  # noqa: S608  # words of the test

    def rows(self, query: str) -> list[Row]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall()

    def alerts(self) -> list[Row]:
        return self.rows("SELECT * FROM owner_alerts ORDER BY id")

    def states(self) -> list[str]:
        return [row["state"] for row in self.alerts()]

    def texts(self) -> list[Row]:
        return self.rows("SELECT * FROM deliveries ORDER BY id")

    def channels(self) -> list[str]:
        return [row["channel"] for row in self.texts()]

    def notices(self) -> list[Row]:
        return self.rows("SELECT * FROM operator_notices WHERE resolved_at IS NULL")

    def due_digests(self) -> list[UUID]:
        rows = self.rows(
            "UPDATE jobs SET state = 'available' WHERE kind = 'alerts.digest' AND state = 'scheduled' RETURNING id"
        )
        return [row["id"] for row in rows]

    def run_digest(self) -> Outcome:
        """End the window that is open now."""
        (claimed,) = claim(self.connection, self.worker_id, self.due_digests())
        return send_digest(decode(SendDigest, claimed.args), Run(claimed, self.database), clock=self.clock)


@pytest.fixture
def office(database_urls: DatabaseUrls) -> Iterator[Office]:
    apply(database_urls.platform, "demo")
    worker_id = new_id()
    with (
        psycopg.connect(database_urls.platform, autocommit=True) as connection,
        closing(Database(database_urls.app, database_urls.platform, pool_size=12)) as database,
    ):
        connection.execute(
            "INSERT INTO workers (id, hostname, pid, queues, threads, version) VALUES (%s, 'test', 1, '{}', 1, '')",
            [worker_id],
        )
        yield Office(database, connection, ManualClock(datetime.now(UTC)), worker_id)
