"""The scheduler's housekeeping: figures for the metrics every few seconds, partitions and old workers every hour."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import psycopg
import structlog

from config.telemetry import (
    DEAD_LETTERS,
    NOTICES_OPEN,
    QUEUE_DEPTH,
    QUEUE_OLDEST_SECONDS,
    QUEUE_PAUSED,
    QUEUE_WORKERS,
    SCHEDULER_LOOKED,
)
from domain.deadletters.kinds import load_kinds
from domain.maintenance.record import note_run
from domain.maintenance.work import UPKEEP
from domain.notices.listing import count_open
from domain.notices.raising import NoticeKind
from domain.queue.draining import complete_drains
from domain.queue.message import specs
from domain.queue.stats import dead_by_kind, depths, staffing
from domain.queue.upkeep import keep_up, words_of
from workers.connection import PlatformConnection

MEASURE_EVERY: Final = 5.0
KEEP_UP_EVERY: Final = 3_600.0
_log = structlog.get_logger(__name__)


class Upkeep:
    """Runs in a thread of the scheduler."""

    def __init__(self, connection: PlatformConnection) -> None:
        self._connection = connection
        self._kept_up = float("-inf")
        load_kinds()
        self._dead_kinds: set[str] = set(specs())
        self._notice_kinds: set[str] = {kind.value for kind in NoticeKind}

    def run(self, stopping: threading.Event) -> None:
        """Measure and keep up until `stopping` is set."""
        while True:
            try:
                self.tick()
            except psycopg.Error as error:
                _log.warning("upkeep_delayed", error=type(error).__name__)
            if stopping.wait(MEASURE_EVERY):
                break
        self._connection.close()

    def tick(self) -> None:
        """Measure the queues and end their draining; once an hour, make room for attempts and forget old workers."""
        for depth in self._connection.run(depths):
            QUEUE_DEPTH.labels(depth.queue, depth.state).set(depth.jobs)
            QUEUE_OLDEST_SECONDS.labels(depth.queue, depth.state).set(depth.oldest_seconds)
        self._measure_what_waits_for_people()
        for one in self._connection.run(staffing):
            QUEUE_PAUSED.labels(one.queue).set(one.paused)
            QUEUE_WORKERS.labels(one.queue).set(one.workers)
        for queue in self._connection.run(complete_drains):
            _log.info("queue_drained", queue=queue)
        if time.monotonic() - self._kept_up >= KEEP_UP_EVERY:
            done = self._connection.run(_keep_up)
            self._kept_up = time.monotonic()
            _log.info("upkeep_done", **done)
        SCHEDULER_LOOKED.labels("upkeep").set_to_current_time()

    def _measure_what_waits_for_people(self) -> None:
        """Kinds that were seen once stay, at 0: a figure that is not there any more would keep its last value."""
        dead = self._connection.run(dead_by_kind)
        self._dead_kinds.update(dead)
        for kind in self._dead_kinds:
            DEAD_LETTERS.labels(kind).set(dead.get(kind, 0))
        notices = self._connection.run(count_open)
        self._notice_kinds.update(notices)
        for kind in self._notice_kinds:
            NOTICES_OPEN.labels(kind).set(notices.get(kind, 0))


def _keep_up(connection: psycopg.Connection[Any]) -> dict[str, int]:
    begun = time.monotonic()
    done = keep_up(connection)
    note_run(connection, UPKEEP, "scheduler", words_of(done), time.monotonic() - begun)
    return done
