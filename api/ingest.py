"""Accept inbound messages durably, many requests to one commit.

Requests that wait together share one statement, one commit and one push to the broker. A request is answered only when
its message is committed; a repeat finds its external id taken and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import psycopg
import structlog

from api.errors import ProblemError
from api.refusals import is_refusal
from config.telemetry import INGEST
from domain.conversations.accept import ACCEPT, Inbound, parameters
from domain.kernel.recent_errors import note_error
from domain.queue.publish import Publisher, QueuedJob
from domain.statistics.activities import Activity
from domain.statistics.tally import Tally

BATCH: Final = 200
WAITING_LIMIT: Final = 5_000
"""Messages that may wait for the database before we say so: the sender tries again, which beats a time-out."""
ANSWER_WITHIN: Final = 4.0
"""Seconds for the database. Twilio gives up a webhook after 15, and what is not stored has still to be spooled."""
_STATEMENT_TIMEOUT: Final = "4s"
_CONNECT_SECONDS: Final = 3
_log = structlog.get_logger(__name__)

T = TypeVar("T")
_Waiting = tuple[Inbound, "asyncio.Future[bool]"]


class NotStoredError(ProblemError):
    """The message is not known to be stored. The database may have it all the same; storing it again does no harm."""


class Ingest:
    """One committer a process: while it commits, the next batch gathers.

    `on_failure` is called when the database fails, before any request that waited for it goes on; `tally` counts what
    was stored.
    """

    def __init__(
        self,
        platform_url: str,
        publisher: Publisher,
        on_failure: Callable[[], None] = lambda: None,
        tally: Tally | None = None,
    ) -> None:
        self._url = platform_url
        self._publisher = publisher
        self._on_failure = on_failure
        self._tally = tally
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

        Raises NotStoredError (503) when the message is not known to be stored: the sender has to repeat it.
        """
        if len(self._waiting) >= WAITING_LIMIT or self._task is None:
            raise self._unavailable(message, "Too many messages wait to be stored.")
        try:
            new = await asyncio.wait_for(self._enqueue(message), ANSWER_WITHIN)
        except (psycopg.Error, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                self._on_failure()
            note_error("database", error)
            _log.error("ingest_failed", error=type(error).__name__)
            raise self._unavailable(message, "The message could not be stored just now.") from None
        INGEST.labels(message.channel, "accepted" if new else "repeated").inc()
        return new

    async def store(self, messages: Sequence[Inbound]) -> Sequence[bool | Exception]:
        """Store messages that came earlier; return for each what `accept` would, or why the database refuses it.

        Raises psycopg.Error when the database is away, TimeoutError and OSError.
        """
        pending = asyncio.gather(*map(self._enqueue, messages), return_exceptions=True)
        results = await asyncio.wait_for(pending, ANSWER_WITHIN)
        for result in results:
            if isinstance(result, BaseException) and not is_refusal(result):
                raise result
        return cast("Sequence[bool | Exception]", results)

    async def probe(self) -> None:
        """Return when the database answers. Raises psycopg.Error and TimeoutError."""
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, application_name="gatehouse-probe", connect_timeout=_CONNECT_SECONDS
        )
        try:
            await _within(connection.execute("SELECT 1"), connection)
        finally:
            await connection.close()

    def _enqueue(self, message: Inbound) -> asyncio.Future[bool]:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, future))
        self._arrived.set()
        return future

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
            failed = batch
            if not is_refusal(error):
                # Whoever came later must not be stored sooner, should the database be back a moment from now.
                self._on_failure()
                failed, self._waiting = [*batch, *self._waiting], []
            elif len(batch) > 1:
                # One message that the database refuses must not take the others down with it.
                for one in batch:
                    await self._commit([one])
                return
            for _, future in failed:
                if not future.done():
                    future.set_exception(error)

    async def _store(self, batch: Sequence[_Waiting]) -> None:
        messages = [message for message, _ in batch]
        direct = self._publisher.has_room(messages[0].job.queue)
        connection = await self._open()
        execute = connection.execute(ACCEPT, parameters(messages, direct=direct), prepare=True)
        try:
            cursor = await _within(execute, connection)
        except TimeoutError:
            self._connection = None
            raise
        stored: dict[UUID, bool] = dict(await cursor.fetchall())
        for message, future in batch:
            if not future.done():
                future.set_result(message.message_id in stored)
            if self._tally is not None and message.message_id in stored:
                channel = message.channel
                self._tally.happened(Activity.RECEIVED, channel, org_id=message.org_id, client_id=message.client_id)
        if stored:
            jobs = [message.job for message in messages if stored.get(message.message_id)]
            task = asyncio.create_task(asyncio.to_thread(self._hand_over, jobs, left=len(jobs) < len(stored)))
            self._pushes.add(task)
            task.add_done_callback(self._pushes.discard)

    def _hand_over(self, jobs: Sequence[QueuedJob], *, left: bool) -> None:
        """Push jobs; ring when others were left to the dispatcher, for want of room or because a limit counts them."""
        if jobs:
            self._publisher.publish(jobs)
        if left:
            self._publisher.ring()

    async def _open(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                application_name="gatehouse-ingest",
                connect_timeout=_CONNECT_SECONDS,
                options=f"-c statement_timeout={_STATEMENT_TIMEOUT}",
            )
        return self._connection

    def _unavailable(self, message: Inbound, detail: str) -> NotStoredError:
        INGEST.labels(message.channel, "unavailable").inc()
        return NotStoredError(503, detail, kind="not-stored", headers={"retry-after": "2"})


def _give_up(connection: psycopg.AsyncConnection[Any], ended: asyncio.Task[Any]) -> None:
    if not ended.cancelled():
        ended.exception()  # seen
    connection.pgconn.finish()


async def _within(answer: Coroutine[Any, Any, T], connection: psycopg.AsyncConnection[Any]) -> T:
    """Return the answer of a server. Raises TimeoutError when it does not come in time; the connection is lost then.

    Giving up is left to run by itself: psycopg asks the server to cancel, and a server that is gone does not answer
    that either.
    """
    task = asyncio.ensure_future(answer)
    done, _ = await asyncio.wait({task}, timeout=ANSWER_WITHIN)
    if not done:
        task.add_done_callback(partial(_give_up, connection))
        task.cancel()
        raise TimeoutError
    return task.result()
