"""A tenant with endpoints: what happens there, who calls them, and the rows that show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from domain.kernel.clock import ManualClock
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from domain.queue.claim import claim
from domain.queue.message import decode
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from domain.webhooks.emit import emit
from domain.webhooks.events import JSON, EventType
from domain.webhooks.means import WebhookMeans
from domain.webhooks.messages import SendWebhook
from domain.webhooks.ports import WebhookCaller
from domain.webhooks.send import send_webhook
from domain.webhooks.wire import new_secret
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from providers.sealing import FernetSealer
from providers.webhooks.addresses import networks
from providers.webhooks.caller import HttpWebhooks
from tests.support.databases import DatabaseUrls

SECRET_KEY = "secret-key-for-tests-0123456789-0123456789"
Row = dict[str, Any]


@dataclass
class House:
    """The demo tenant. Its clock moves only when told to; `caller` may call loopback and waits little."""

    database: Database
    connection: psycopg.Connection[Row]
    clock: ManualClock
    caller: WebhookCaller
    worker_id: UUID

    @property
    def means(self) -> WebhookMeans:
        """What a worker hands to the use cases."""
        return WebhookMeans(self.caller, FernetSealer(SECRET_KEY), self.clock)

    def endpoint(
        self,
        events: Sequence[str] = ("*",),
        *,
        url: str = "https://hooks.example.com/in",
        secret: str | None = None,
        enabled: bool = True,
        client_id: UUID | None = None,
        org_id: UUID = ORGANIZATION_ID,
    ) -> UUID:
        """Insert an endpoint and return its id."""
        endpoint_id = new_id()
        sealed = self.means.sealer.seal(secret or new_secret())
        self.connection.execute(
            "INSERT INTO webhook_endpoints (id, org_id, client_id, url, events, sealed_secret, enabled)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [endpoint_id, org_id, client_id, url, list(events), sealed, enabled],
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

    def claim(self, job_id: UUID) -> Run:
        """Claim a job as if its time had come and the dispatcher had handed it over."""
        self.connection.execute(
            "UPDATE jobs SET state = 'available', queued_at = now()"
            " WHERE id = %s AND state IN ('available', 'scheduled', 'retryable')",
            [job_id],
        )
        info = self.connection.info
        # The statement returns plain tuples, as a worker's own connection does.
        with psycopg.connect(info.dsn, password=info.password, autocommit=True) as connection:
            (claimed,) = claim(connection, self.worker_id, [job_id], alone=True)
        return Run(claimed, self.database)

    def call(self, run: Run) -> Outcome:
        """Run a claimed send as a worker does, and return its outcome."""
        outcome = send_webhook(decode(SendWebhook, run.claimed.args), run, self.means)
        assert run.ended is outcome
        return outcome

    def run(self, number: int = 0) -> Outcome:
        """Claim and run the job of a send once; `number` counts sends from the oldest."""
        return self.call(self.claim(self.jobs()[number]["id"]))

    def wait(self, by: timedelta) -> None:
        """Let time pass."""
        self.clock.advance(by)

    def rows(self, statement: str, *parameters: object) -> list[Row]:
        """Return the rows of a query."""
        return self.connection.execute(statement, parameters).fetchall()

    def events(self) -> list[Row]:
        """Return all events, first one first."""
        return self.rows("SELECT * FROM webhook_events ORDER BY occurred_at, id")

    def sends(self) -> list[Row]:
        """Return all sends, first one first."""
        return self.rows("SELECT * FROM webhook_sends ORDER BY id")

    def attempts(self) -> list[Row]:
        """Return all attempts, first one first."""
        return self.rows("SELECT * FROM webhook_attempts ORDER BY started_at, id")

    def endpoints(self) -> list[Row]:
        """Return all endpoints, first one first."""
        return self.rows("SELECT * FROM webhook_endpoints ORDER BY id")

    def notices(self) -> list[Row]:
        """Return the notices that are open."""
        return self.rows("SELECT * FROM operator_notices WHERE resolved_at IS NULL")

    def jobs(self, kind: str = "webhooks.send") -> list[Row]:
        """Return the jobs of a kind, first one first."""
        return self.rows("SELECT * FROM jobs WHERE kind = %s ORDER BY id", kind)


@contextmanager
def webhook_house(urls: DatabaseUrls) -> Iterator[House]:
    """Give the demo tenant, without any endpoint, on a migrated database without rows."""
    apply(urls.platform, "demo")
    worker_id = new_id()
    caller = HttpWebhooks(https_only=False, allowed=networks("127.0.0.0/8"), call_seconds=0.5)
    with (
        psycopg.connect(urls.platform, autocommit=True, row_factory=dict_row) as connection,
        closing(Database(urls.app, urls.platform)) as database,
    ):
        connection.execute(
            "INSERT INTO workers (id, hostname, pid, queues, threads, version) VALUES (%s, 'test', 1, '{}', 1, '')",
            [worker_id],
        )
        yield House(database, connection, ManualClock(datetime.now(UTC)), caller, worker_id)
