"""Notice workers and schedulers that are gone, and take the jobs of workers back.

One counts as gone when its heartbeat has not changed for ten seconds *of this process's own monotonic clock* while the
database answered. So neither a clock that jumps nor a database that was away makes living ones look dead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

import psycopg
import structlog

from config.telemetry import RESCUED_JOBS, SCHEDULER_LOOKED, WORKERS_ALIVE
from domain.queue.presence import Heartbeat, heartbeats, stop
from domain.queue.rescue import Rescued, rescue
from workers.connection import PlatformConnection

if TYPE_CHECKING:
    from domain.statistics.tally import Tally

GONE_AFTER: Final = 10.0
LOOK_EVERY: Final = 1.0
_log = structlog.get_logger(__name__)


class Rescuer:
    """Runs in a thread of the scheduler. Any number may run. `gone_after`: seconds without a heartbeat."""

    def __init__(
        self, connection: PlatformConnection, tally: Tally | None = None, *, gone_after: float = GONE_AFTER
    ) -> None:
        self._connection = connection
        self._tally = tally
        self._gone_after = gone_after
        self._seen: dict[UUID, tuple[Heartbeat, float]] = {}

    def run(self, stopping: threading.Event) -> None:
        """Look every second until `stopping` is set."""
        while not stopping.wait(LOOK_EVERY):
            try:
                self.tick()
            except psycopg.Error as error:
                self._seen.clear()
                _log.warning("rescue_delayed", error=type(error).__name__)
        self._connection.close()

    def tick(self) -> int:
        """Declare processes dead that left no heartbeat; rescue the jobs of all that stopped; return how many."""
        current = self._connection.run(heartbeats)
        now = time.monotonic()
        self._seen = {
            worker: (beat, now if worker not in self._seen or self._seen[worker][0] != beat else self._seen[worker][1])
            for worker, beat in current.items()
        }
        gone = [worker for worker, (_, since) in self._seen.items() if now - since >= self._gone_after]
        if gone:
            self._connection.run(lambda c: stop(c, gone))
            _log.warning("workers_gone", workers=[str(worker) for worker in gone])
        alive = [worker for worker, beat in current.items() if beat.role == "worker" and worker not in gone]
        WORKERS_ALIVE.set(len(alive))
        rescued = self._connection.run(rescue)
        SCHEDULER_LOOKED.labels("rescuer").set_to_current_time()
        if rescued:
            RESCUED_JOBS.inc(len(rescued))
            self._count(rescued)
            _log.warning("jobs_rescued", jobs=len(rescued))
        return len(rescued)

    def _count(self, rescued: Sequence[Rescued]) -> None:
        for job in rescued:
            if self._tally is not None:
                self._tally.job_ended(job.org_id, job.kind, job.queue, "lost")
