"""A desk that sends real deliveries from a real queue, one run at a time, to a double of Twilio."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from domain.delivery.means import Means
from domain.delivery.messages import SendDelivery
from domain.delivery.ports import EmailProvider, SmsProvider
from domain.delivery.request import NewDelivery, Purpose, request_delivery
from domain.delivery.send import send_delivery
from domain.delivery.unsubscribe import UnsubscribeLinks
from domain.kernel.clock import ManualClock
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from domain.queue.claim import claim
from domain.queue.finish import Finished, finish
from domain.queue.message import decode
from domain.queue.outcome import Outcome
from domain.queue.policy import lost
from domain.queue.run import Run
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from providers.sandbox.email import SandboxEmail
from providers.twilio.sms import TwilioSms
from providers.twilio.transport import TwilioTransport
from providers.unsubscribe_links import SealedLinks
from tests.support.databases import DatabaseUrls
from tests.support.health import WatchedHealth
from tests.support.twilio_double import TwilioDouble

CUSTOMER = "+15005550001"
OWNER = "+15005550010"
PUBLIC_URL = "https://gatehouse.test"
Row = dict[str, Any]


@dataclass
class Desk:
    """Asks for deliveries and runs their jobs."""

    database: Database
    connection: psycopg.Connection[Row]
    clock: ManualClock
    twilio: TwilioDouble
    provider: SmsProvider
    email: EmailProvider
    health: WatchedHealth
    unsubscribe: UnsubscribeLinks
    worker_id: UUID

    def ask(
        self,
        body: str = "We open at 8.",
        *,
        to: str = CUSTOMER,
        purpose: Purpose = "reply",
        direct_reply: bool = True,
    ) -> UUID:
        """Ask for a delivery and return its id."""
        new = NewDelivery(ORGANIZATION_ID, CLIENT_ID, purpose, "sms", to, body, direct_reply=direct_reply)
        with self.database.tenant_scope(ORGANIZATION_ID) as session:
            return request_delivery(session, new)

    def claim(self, delivery_id: UUID) -> Run:
        """Claim the job of a delivery, as if its time had come."""
        job_id = self.job(delivery_id)["id"]
        self.connection.execute(
            "UPDATE jobs SET state = 'available' WHERE id = %s AND state IN ('scheduled', 'retryable')", [job_id]
        )
        # The statement returns plain tuples, as a worker's own connection does.
        with psycopg.connect(self.connection.info.dsn, password=self.connection.info.password, autocommit=True) as c:
            (claimed,) = claim(c, self.worker_id, [job_id], alone=True)
        return Run(claimed, self.database)

    def send(self, run: Run, *, provider: SmsProvider | None = None) -> Outcome:
        """Run a claimed job as a worker does, and return its outcome."""
        message = decode(SendDelivery, run.claimed.args)
        means = Means(provider or self.provider, self.email, self.health, self.clock, PUBLIC_URL, self.unsubscribe)
        outcome = send_delivery(message, run, means)
        if run.ended is None:
            with self.database.platform_scope() as session:
                run.finish(session, outcome)
        return outcome

    def run(self, delivery_id: UUID, *, provider: SmsProvider | None = None) -> Outcome:
        """Claim and run the job of a delivery once."""
        return self.send(self.claim(delivery_id), provider=provider)

    def lose(self, run: Run) -> None:
        """Take a run from its worker, as the rescue of lost workers does."""
        with psycopg.connect(self.connection.info.dsn, password=self.connection.info.password, autocommit=True) as c:
            finish(c, [Finished(run.job_id, run.attempt, run.claimed.started_at, lost(kind=run.kind, lost_count=1))])

    def job(self, delivery_id: UUID) -> Row:
        """Return the newest job of a delivery."""
        return self._rows("SELECT * FROM jobs WHERE subject = %s ORDER BY id DESC", f"delivery:{delivery_id}")[0]

    def delivery(self, delivery_id: UUID) -> Row:
        """Return a delivery."""
        return self._rows("SELECT * FROM deliveries WHERE id = %s", delivery_id)[0]

    def attempts(self, delivery_id: UUID) -> list[Row]:
        """Return the attempts at a delivery, in order."""
        return self._rows("SELECT * FROM notification_logs WHERE delivery_id = %s ORDER BY attempt", delivery_id)

    def outcomes(self, delivery_id: UUID) -> list[str]:
        """Return the outcomes of the attempts at a delivery, in order."""
        return [row["outcome"] for row in self.attempts(delivery_id)]

    def decisions(self, delivery_id: UUID) -> list[Row]:
        """Return what the gate decided about a delivery, in order."""
        return self._rows("SELECT * FROM guard_logs WHERE subject = %s ORDER BY id", f"delivery:{delivery_id}")

    def opted_out(self) -> list[tuple[str, str]]:
        """Return addresses that opted out, and who said so."""
        return [(row["address"], row["source"]) for row in self._rows("SELECT * FROM opt_outs ORDER BY id")]

    def notices(self, kind: str) -> list[Row]:
        """Return the open notices of a kind."""
        return self._rows("SELECT * FROM operator_notices WHERE kind = %s AND resolved_at IS NULL", kind)

    def jobs(self, kind: str) -> list[Row]:
        """Return all jobs of a kind, in order."""
        return self._rows("SELECT * FROM jobs WHERE kind = %s ORDER BY id", kind)

    def throw(self, assignment: str) -> None:
        """Change the client: `outbound_paused = true`."""
        self.connection.execute(f"UPDATE clients SET {assignment} WHERE id = %s", [CLIENT_ID])  # noqa: S608  # words of the test

    def age(self, delivery_id: UUID) -> None:
        """Make a delivery so old that later ones to the same person do not wait for it any more."""
        self.connection.execute(
            "UPDATE deliveries SET created_at = created_at - interval '2 minutes' WHERE id = %s", [delivery_id]
        )

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(seconds=seconds))

    def _rows(self, statement: str, *parameters: object) -> list[Row]:
        return self.connection.execute(statement, parameters).fetchall()


@pytest.fixture
def desk(database_urls: DatabaseUrls) -> Iterator[Desk]:
    """Open a desk for the demo client, at noon there."""
    yield from open_desk(database_urls)


def open_desk(urls: DatabaseUrls) -> Iterator[Desk]:
    """Open a desk on a migrated database without rows."""
    apply(urls.platform, "demo")
    clock = ManualClock(datetime.now(UTC).replace(hour=17))
    worker_id = new_id()
    with (
        psycopg.connect(urls.platform, autocommit=True, row_factory=dict_row) as connection,
        closing(Database(urls.app, urls.platform)) as database,
        TwilioDouble(now=clock.now) as twilio,
    ):
        connection.execute(
            "INSERT INTO workers (id, hostname, pid, queues, threads, version) VALUES (%s, 'test', 1, '{}', 1, '')",
            [worker_id],
        )
        transport = TwilioTransport(twilio.url, connect_seconds=1, read_seconds=0.15)
        provider = TwilioSms(twilio.account_sid, twilio.auth_token, transport)
        email, health = SandboxEmail(database), WatchedHealth()
        links = SealedLinks(PUBLIC_URL, "secret-key-for-tests-0123456789-0123456789")
        yield Desk(database, connection, clock, twilio, provider, email, health, links, worker_id)
        assert not health.under_way
