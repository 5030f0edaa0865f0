"""Keep each queue in the broker filled to its window, fairly, and hand over again what the broker lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from functools import partial
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog

from config.telemetry import DISPATCHER_LAG_SECONDS, DISPATCHER_PUBLISHED, SCHEDULER_LOOKED, begin_at_zero
from domain.kernel.recent_errors import note_error
from domain.queue import dispatch
from domain.queue.names import QUEUES
from domain.queue.ports import Bell, BrokerUnavailableError, Transport
from domain.queue.presence import threads_by_queue
from domain.queue.turns import START, Cursor
from workers.connection import PlatformConnection
from workers.window import Windows

PROMOTE_LIMIT: Final = 2_000
STALE_SECONDS: Final = 5.0
RECOVER_EVERY: Final = 2.0
IDLE_WAIT: Final = 1.0
BUSY_WAIT: Final = 0.01
FULL_WAIT: Final = 0.1
"""Seconds until the next look while more waits: the first after jobs were handed over, doubled up to the second while
the broker stays full. Slow jobs would otherwise have the database asked a hundred times a second for nothing."""
_PAUSE: Final = 0.5
_log = structlog.get_logger(__name__)


class Dispatcher:
    """Runs in a thread of the scheduler. Any number may run, here and elsewhere.

    `window`: how many ids of a queue the broker holds at most, fewer of slow jobs (`workers.window`); `stale_after`:
    seconds after which an id that was handed over and not claimed is looked for there.
    """

    def __init__(
        self,
        connection: PlatformConnection,
        transport: Transport,
        bell: Bell,
        *,
        window: int,
        stale_after: float = STALE_SECONDS,
    ) -> None:
        self._connection = connection
        self._transport = transport
        self._bell = bell
        self._window = window
        self._windows = Windows(window)
        self._stale_after = stale_after
        self._cursors: dict[str, Cursor] = {}
        self._round = 0
        self._recovered = float("-inf")
        self._wait = BUSY_WAIT
        begin_at_zero(DISPATCHER_PUBLISHED, ((queue,) for queue in QUEUES))

    def run(self, stopping: threading.Event) -> None:
        """Dispatch until `stopping` is set."""
        while not stopping.is_set():
            try:
                wait = self.tick()
            except psycopg.Error as error:
                note_error("dispatcher", error)
                _log.warning("dispatch_delayed", error=type(error).__name__)
                wait = _PAUSE
            except BrokerUnavailableError as error:
                note_error("dispatcher", error)
                note_error("redis", error)
                _log.warning("broker_unavailable", reason=str(error))
                stopping.wait(_PAUSE)
                continue
            if wait > BUSY_WAIT:
                self._bell.wait(wait)
            else:
                stopping.wait(wait)
        self._connection.close()

    def tick(self) -> float:
        """Do what is due now; return the seconds until the next look is worth it."""
        promoted = self._connection.run(lambda c: dispatch.promote(c, PROMOTE_LIMIT))
        if time.monotonic() - self._recovered >= RECOVER_EVERY:
            self._recover()
            self._steer()
            self._recovered = time.monotonic()
        outlook = self._connection.run(dispatch.outlook)
        if not outlook.waiting:
            DISPATCHER_LAG_SECONDS.set(0)
        queues = {*outlook.waiting, *outlook.held}
        filled = [self._fill(queue, depth) for queue, depth in self._look(queues)]
        SCHEDULER_LOOKED.labels("dispatcher").set_to_current_time()
        handed_over = promoted + sum(count for count, _ in filled)
        self._wait = BUSY_WAIT if handed_over else min(FULL_WAIT, self._wait * 2)
        if outlook.held or promoted == PROMOTE_LIMIT or any(more for _, more in filled):
            return self._wait
        return max(BUSY_WAIT, min(IDLE_WAIT, outlook.next_due))

    def _look(self, queues: set[str]) -> Iterable[tuple[str, int]]:
        """Return the depths of queues, and take samples of them.

        They are served in turn: queues that share a limit get their first choice of its places equally often.
        """
        if not queues:
            return []
        names = sorted(queues)
        self._round += 1
        turn = self._round % len(names)
        flows = self._transport.flow(names)
        for queue, flow in flows.items():
            self._windows.observe(queue, flow, time.monotonic())
        return [(queue, flows[queue].depth) for queue in names[turn:] + names[:turn]]

    def _steer(self) -> None:
        """Measure how the queues move, and tell producers how far they may fill them."""
        self._windows.staff(self._connection.run(threads_by_queue))
        for queue, _ in self._look(set(QUEUES)):
            self._transport.steer(queue, window=self._windows.of(queue))

    def _fill(self, queue: str, depth: int) -> tuple[int, bool]:
        """Hand over what fits; return how many, and whether more may wait.

        Refills by halves, so that a statement is worth it.
        """
        window = self._windows.of(queue)
        room = window - depth
        if room * 2 < window:
            self._transport.steer(queue, waits=True, window=window)
            return 0, True
        batch = self._connection.run(lambda c: self._take(c, queue, room))
        if batch is None:
            return 0, True
        self._cursors[queue] = batch.cursor
        if not batch.ids:
            self._transport.steer(queue, waits=batch.more, window=window)
            return 0, batch.more
        accepted = 0
        try:
            accepted = self._transport.push(queue, batch.entries, window, more=batch.more)
        finally:
            if accepted < len(batch.ids):
                self._connection.run(partial(dispatch.unmark, ids=batch.ids[accepted:]))
        DISPATCHER_PUBLISHED.labels(queue).inc(accepted)
        DISPATCHER_LAG_SECONDS.set(batch.lag)
        return accepted, batch.more or accepted < len(batch.ids)

    def _take(self, connection: psycopg.Connection[Any], queue: str, room: int) -> dispatch.Batch | None:
        with connection.transaction():
            return dispatch.take(connection, queue, room, self._cursors.get(queue, START))

    def _stale(self, queue: str, connection: psycopg.Connection[Any]) -> dict[str, UUID]:
        return dispatch.stale(connection, queue, self._stale_after, self._window * 4)

    def _recover(self) -> None:
        """Take the mark off jobs that were handed over a while ago and that the broker no longer holds."""
        for queue in self._connection.run(dispatch.open_queues):
            marked = self._connection.run(partial(self._stale, queue))
            lost = self._transport.missing(queue, marked) if marked else set()
            if lost:
                self._connection.run(partial(dispatch.unmark, ids=[marked[entry] for entry in lost]))
                _log.warning("handed_over_again", queue=queue, jobs=len(lost))
        self._connection.run(partial(dispatch.take_back, older_than=self._stale_after))
