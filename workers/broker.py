"""Dramatiq's broker and consumer over claimed jobs.

Dramatiq sees one queue of messages that are already ours to run. The consumer takes as many ids as there are free
threads, from all of our queues at once, and claims them in one statement; an id that finds nothing to claim ends there.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

import dramatiq
import psycopg
import structlog
from dramatiq.broker import MessageProxy

from domain.kernel.database import Database
from domain.kernel.recent_errors import note_error
from domain.queue.claim import Claimed, claim, claimed_already, suspects
from domain.queue.dispatch import unmark
from domain.queue.message import spec_for
from domain.queue.ports import BrokerUnavailableError, Receiver
from domain.queue.run import Run
from workers.active import Active
from workers.connection import PlatformConnection
from workers.presence import Presence
from workers.slots import Slots

DRAMATIQ_QUEUE: Final = "gatehouse"
RECEIVE_WAIT: Final = 2.0
_PAUSE: Final = 0.5
_PLACES: Final = "places"
_FAIR_EVERY: Final = 8
"""Every so often the queues are asked in another order, so that a flood in the first does not starve the last."""
_log = structlog.get_logger(__name__)


class JobConsumer(dramatiq.Consumer):
    """Yields claimed jobs to Dramatiq's threads; calls `prepare` once, when it can claim and before it does."""

    def __init__(
        self,
        *,
        receiver: Receiver,
        queues: Sequence[str],
        connection: PlatformConnection,
        presence: Presence,
        slots: Slots,
        active: Active,
        database: Database,
        prepare: Callable[[], None],
    ) -> None:
        self._prepare: Callable[[], None] | None = prepare
        self._receiver = receiver
        self._queues = list(queues)
        self._connection = connection
        self._presence = presence
        self._slots = slots
        self._active = active
        self._database = database
        self._buffer: deque[MessageProxy] = deque()
        self._suspects: deque[UUID] = deque()
        self._rounds = 0

    def __next__(self) -> MessageProxy | None:
        """Return the next claimed job, or None after a while without one."""
        if not self._buffer:
            self._buffer.extend(self._fetch())
        return self._buffer.popleft() if self._buffer else None

    def ack(self, message: MessageProxy) -> None:
        """Free the job's place, or all of them after a job that ran alone; its end was written by its run."""
        self._slots.give_back(message.options.get(_PLACES, 1))

    def nack(self, message: MessageProxy) -> None:
        """Free the job's place."""
        self.ack(message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Free the places; what was not started is handed back with all that is active when the worker stops."""
        for message in messages:
            self.ack(message)

    def close(self) -> None:
        """Close the connections of this consumer."""
        self._receiver.close()
        self._connection.close()

    def _fetch(self) -> list[MessageProxy]:
        if self._suspects:
            return self._fetch_suspect()
        free = self._slots.wait_free(RECEIVE_WAIT)
        try:
            if not free:
                self._receiver.rest()
                if self._slots.closed:
                    time.sleep(_PAUSE)  # Dramatiq goes on asking until the last job is done
                return []
            entries = self._receiver.receive(self._order(), free, RECEIVE_WAIT)
        except BrokerUnavailableError as error:
            note_error("redis", error)
            _log.warning("broker_unavailable", reason=str(error))
            time.sleep(_PAUSE)
            return []
        ids = [job_id for job_id in map(_job_id, entries) if job_id is not None]
        runs = self._claim(ids) if ids else []
        if len(runs) < len(ids) and not self._slots.closed:
            self._note_suspects(ids)
        return [self._message(run) for run in runs]

    def _note_suspects(self, ids: Sequence[UUID]) -> None:
        """Keep in mind those of `ids` that this worker has to run alone."""
        try:
            self._suspects.extend(self._connection.run(partial(suspects, ids=ids)))
        except psycopg.Error as error:
            # The dispatcher finds them again by their age.
            _log.warning("suspects_unknown", jobs=len(ids), error=type(error).__name__)

    def _fetch_suspect(self) -> list[MessageProxy]:
        """Run one suspect once nothing else runs here, and nothing beside it."""
        if not self._slots.wait_idle(RECEIVE_WAIT):
            if self._slots.closed:
                self._return(list(self._suspects))
                self._suspects.clear()
            return []
        runs = self._claim([self._suspects.popleft()], alone=True)
        if runs:
            self._slots.take(self._slots.capacity - 1)
        return [self._message(run, **{_PLACES: self._slots.capacity}) for run in runs]

    def _claim(self, ids: Sequence[UUID], *, alone: bool = False) -> Sequence[Run]:
        in_doubt = False
        while not self._slots.closed:
            try:
                claimed = self._connection.run(partial(self._claim_once, ids=ids, alone=alone, in_doubt=in_doubt))
            except psycopg.Error as error:
                _log.warning("claim_delayed", jobs=len(ids), error=type(error).__name__)
                in_doubt = True
                time.sleep(_PAUSE)
                continue
            runs = [Run(job, self._database) for job in claimed]
            self._active.add(runs)
            self._slots.take(len(runs))
            return runs
        self._return(ids)
        return []

    def _claim_once(
        self, connection: psycopg.Connection[Any], ids: Sequence[UUID], *, alone: bool, in_doubt: bool
    ) -> list[Claimed]:
        """Claim jobs; `in_doubt`: an earlier statement may have claimed them without our learning of it."""
        if self._prepare is not None:
            self._prepare()
            self._prepare = None
        worker_id = self._presence.worker_id
        before = claimed_already(connection, worker_id, ids) if in_doubt else []
        unknown = [job for job in before if not self._active.holds(job.id, job.attempt)]
        return unknown + claim(connection, worker_id, ids, alone=alone)

    def _return(self, ids: Sequence[UUID]) -> None:
        """Let the dispatcher hand over again what this worker took and does not run: it stops."""
        try:
            self._connection.run(partial(unmark, ids=ids))
        except psycopg.Error as error:
            _log.warning("return_failed", jobs=len(ids), error=type(error).__name__)
        self._connection.close()

    def _order(self) -> list[str]:
        self._rounds += 1
        if self._rounds % _FAIR_EVERY:
            return self._queues
        turn = self._rounds // _FAIR_EVERY % len(self._queues)
        return self._queues[turn:] + self._queues[:turn]

    def _message(self, run: Run, **options: int) -> MessageProxy:
        spec = spec_for(run.kind)
        if spec is not None:
            options["time_limit"] = int(spec.time_limit.total_seconds() * 1000)
        message: dramatiq.Message[Any] = dramatiq.Message(
            queue_name=DRAMATIQ_QUEUE,
            actor_name="run",
            args=(run,),
            kwargs={},
            options=options,
            message_id=str(run.job_id),
        )
        return MessageProxy(message)


class JobBroker(dramatiq.Broker):
    """The broker that Dramatiq's workers run on. Nothing is enqueued through it: jobs are rows."""

    def __init__(self, open_consumer: Callable[[], JobConsumer], middleware: list[dramatiq.Middleware]) -> None:
        super().__init__(middleware=middleware)
        self._open_consumer = open_consumer
        self.declare_queue(DRAMATIQ_QUEUE)

    def declare_queue(self, queue_name: str) -> None:
        """Make the one queue known."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 30000) -> JobConsumer:
        """Open the consumer; how much it takes is limited by free threads instead of `prefetch`."""
        del queue_name, prefetch, timeout
        return self._open_consumer()

    def get_declared_queues(self) -> set[str]:
        """Return the one queue."""
        return set(self.queues)

    def get_declared_delay_queues(self) -> set[str]:
        """Return none: delays live in PostgreSQL, never in a worker's memory."""
        return set()


def _job_id(entry: str) -> UUID | None:
    try:
        return UUID(entry.rpartition(" ")[2])
    except ValueError:
        _log.warning("foreign_entry_dropped", length=len(entry))
        return None
