"""The scheduler's housekeeping: figures for the metrics every few seconds, partitions and old workers every hour."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import psycopg
import structlog

from config.telemetry import QUEUE_DEPTH, QUEUE_OLDEST_SECONDS
from domain.maintenance.record import note_run
from domain.maintenance.work import UPKEEP
from domain.queue.draining import complete_drains
from domain.queue.stats import depths
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
        for queue in self._connection.run(complete_drains):
            _log.info("queue_drained", queue=queue)
        if time.monotonic() - self._kept_up >= KEEP_UP_EVERY:
            done = self._connection.run(_keep_up)
            self._kept_up = time.monotonic()
            _log.info("upkeep_done", **done)


def _keep_up(connection: psycopg.Connection[Any]) -> dict[str, int]:
    begun = time.monotonic()
    done = keep_up(connection)
    note_run(connection, UPKEEP, "scheduler", words_of(done), time.monotonic() - begun)
    return done
