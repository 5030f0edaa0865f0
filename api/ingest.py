"""Accept inbound messages durably, many requests to one commit.

Requests that wait together share one statement, one commit and one push to the broker. A request is answered only when
its message is committed; a repeat finds its external id taken and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import psycopg
import structlog

from api.errors import ProblemError
from config.telemetry import INGEST
from domain.conversations.accept import ACCEPT, Inbound, parameters
from domain.queue.publish import Publisher

BATCH: Final = 200
WAITING_LIMIT: Final = 5_000
"""Messages that may wait for the database before we say so: the sender tries again, which beats a time-out."""
ANSWER_WITHIN: Final = 10.0
"""Seconds. Twilio gives up a webhook after 15."""
_STATEMENT_TIMEOUT: Final = "8s"
_log = structlog.get_logger(__name__)

_Waiting = tuple[Inbound, "asyncio.Future[bool]"]


class Ingest:
    """One committer a process: while it commits, the next batch gathers."""

    def __init__(self, platform_url: str, publisher: Publisher) -> None:
        self._url = platform_url
        self._publisher = publisher
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._pushes: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start committing."""
        self._task = asyncio.create_task(self._work(), name="ingest")

    async def close(self) -> None:
        """Commit what waits, push what was committed, and stop."""
        if self._task is not None:
            task, self._task = self._task, None
            self._arrived.set()
            await task
        await asyncio.gather(*self._pushes)
        if self._connection is not None:
            await self._connection.close()

    async def accept(self, message: Inbound) -> bool:
        """Return True once a new message is committed, False when it was here already.

        Raises ProblemError 503 when the message is not known to be stored: the sender has to repeat it.
        """
        if len(self._waiting) >= WAITING_LIMIT or self._task is None:
            raise self._unavailable(message, "Too many messages wait to be stored.")
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, future))
        self._arrived.set()
        try:
            new = await asyncio.wait_for(future, ANSWER_WITHIN)
        except (psycopg.Error, TimeoutError) as error:
            _log.error("ingest_failed", error=type(error).__name__)
            raise self._unavailable(message, "The message could not be stored just now.") from None
        INGEST.labels(message.channel, "accepted" if new else "repeated").inc()
        return new

    async def _work(self) -> None:
        while self._task is not None or self._waiting:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            await self._commit(batch)

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._store(batch)
        except Exception as error:  # noqa: BLE001  each waiting request has to be told, whatever it was
            if isinstance(error, psycopg.DataError | psycopg.IntegrityError) and len(batch) > 1:
                # One message that the database refuses must not take the others down with it.
                for one in batch:
                    await self._commit([one])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)

    async def _store(self, batch: Sequence[_Waiting]) -> None:
        messages = [message for message, _ in batch]
        direct = self._publisher.has_room(messages[0].job.queue)
        connection = await self._open()
        cursor = await connection.execute(ACCEPT, parameters(messages, direct=direct), prepare=True)
        stored = {row[0] for row in await cursor.fetchall()}
        for message, future in batch:
            if not future.done():
                future.set_result(message.message_id in stored)
        jobs = [message.job for message in messages if message.message_id in stored]
        if jobs:
            task = asyncio.create_task(asyncio.to_thread(self._publisher.publish, jobs) if direct else self._ring())
            self._pushes.add(task)
            task.add_done_callback(self._pushes.discard)

    async def _ring(self) -> None:
        await asyncio.to_thread(self._publisher.ring)

    async def _open(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                application_name="gatehouse-ingest",
                connect_timeout=5,
                options=f"-c statement_timeout={_STATEMENT_TIMEOUT}",
            )
        return self._connection

    def _unavailable(self, message: Inbound, detail: str) -> ProblemError:
        INGEST.labels(message.channel, "unavailable").inc()
        return ProblemError(503, detail, kind="not-stored", headers={"retry-after": "2"})
