"""The inbound desk of the demo client: a real queue and database, with a composer that says what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from domain.conversations.accept import ACCEPT, Inbound, parameters
from domain.conversations.messages import Channel, ProcessMessages
from domain.conversations.process import process_messages
from domain.kernel.clock import ManualClock
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from domain.queue.claim import claim
from domain.queue.message import decode
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from domain.replies.ports import ComposedReply, ReplyRequest
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

CUSTOMER = "+15005550001"
Row = dict[str, Any]


@dataclass
class Composer:
    """Answers with the question itself, after doing what a test wants done meanwhile."""

    kind: str = "answer"
    meanwhile: Callable[[], object] = lambda: None
    asked: list[ReplyRequest] = field(default_factory=list)
    name: str = "echo"

    def compose(self, request: ReplyRequest) -> ComposedReply:
        self.asked.append(request)
        self.meanwhile()
        return ComposedReply(text=f"You asked: {request.question}", confidence=0.9, sources=(), kind=self.kind)  # type: ignore[arg-type]


@dataclass
class Signal:
    """Remembers what was signalled."""

    conversations: list[UUID] = field(default_factory=list)

    def changed(self, conversation_id: UUID) -> None:
        self.conversations.append(conversation_id)


@dataclass
class House:
    """The demo client's inbound desk."""

    database: Database
    connection: psycopg.Connection[Any]
    clock: ManualClock
    worker_id: UUID
    composer: Composer = field(default_factory=Composer)
    signal: Signal = field(default_factory=Signal)

    def receive(self, body: str, channel: Channel = "sms", address: str = CUSTOMER) -> Inbound:
        message = Inbound(ORGANIZATION_ID, CLIENT_ID, channel, address, body, external_id=uuid4().hex)
        self.connection.execute(ACCEPT, parameters([message], direct=False))
        return message

    def claim(self, message: Inbound) -> Run:
        self.connection.execute("UPDATE jobs SET state = 'available' WHERE state = 'scheduled'")
        (claimed,) = claim(self.connection, self.worker_id, [message.job_id])
        return Run(claimed, self.database)

    def process(self, run: Run) -> Outcome:
        message = decode(ProcessMessages, run.claimed.args)
        return process_messages(message, run, clock=self.clock, composer=self.composer, signal=self.signal)

    def handle(self, message: Inbound) -> Outcome:
        return self.process(self.claim(message))

    def rows(self, query: str) -> list[Row]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall()

    def throw(self, assignment: str) -> None:
        self.connection.execute(f"UPDATE clients SET {assignment} WHERE id = %s", [CLIENT_ID])  # noqa: S608  # words of the test

    def prefer_no_alerts(self) -> None:
        self.connection.execute("UPDATE client_settings SET notification_channel = 'none'")

    def job(self, message: Inbound) -> Row:
        return next(row for row in self.rows("SELECT * FROM jobs") if row["id"] == message.job_id)

    def outcomes(self) -> list[str]:
        return [row["outcome"] for row in self.rows("SELECT outcome FROM messages WHERE direction = 'in' ORDER BY id")]

    def replies(self) -> list[Row]:
        return self.rows("SELECT * FROM messages WHERE direction = 'out' ORDER BY id")

    def deliveries(self) -> list[Row]:
        return self.rows("SELECT * FROM deliveries ORDER BY id")


@pytest.fixture
def house(database_urls: DatabaseUrls) -> Iterator[House]:
    apply(database_urls.platform, "demo")
    worker_id = new_id()
    with (
        psycopg.connect(database_urls.platform, autocommit=True) as connection,
        closing(Database(database_urls.app, database_urls.platform)) as database,
    ):
        connection.execute(
            "INSERT INTO workers (id, hostname, pid, queues, threads, version) VALUES (%s, 'test', 1, '{}', 1, '')",
            [worker_id],
        )
        yield House(database, connection, ManualClock(datetime.now(UTC)), worker_id)
