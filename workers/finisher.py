"""End runs in batches: the threads of a process that finish together share one statement and one commit."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import psycopg
import structlog

from domain.queue.finish import Finished, finish
from domain.queue.policy import UNWRITABLE
from workers.connection import PlatformConnection

BATCH: Final = 256
BACKLOG: Final = 2_048
"""Ends that may wait for the database; beyond that, threads wait before they take another job."""
GATHER: Final = 0.002
"""Seconds for which an end waits for others, unless there are ENOUGH: nothing waits for it, and a commit is dear."""
ENOUGH: Final = 16
_RETRY_AFTER: Final = 0.5
_log = structlog.get_logger(__name__)


class Finisher:
    """Writes ends until they are written: a database that is away is tried again until it is back or we are closed."""

    def __init__(
        self, connection: PlatformConnection, on_written: Callable[[Sequence[tuple[UUID, int]]], None]
    ) -> None:
        self._connection = connection
        self._on_written = on_written
        self._waiting: deque[Finished] = deque()
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._work, name="finisher", daemon=True)
        self._thread.start()

    def submit(self, run: Finished) -> None:
        """Have a run ended soon. Waits while too many ends wait."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < BACKLOG or self._deadline is not None)
            self._waiting.append(run)
            if len(self._waiting) in {1, ENOUGH}:
                self._changed.notify_all()

    def close(self, seconds: float) -> bool:
        """Write what waits, for at most `seconds`; return whether all of it was written."""
        with self._changed:
            self._deadline = time.monotonic() + seconds
            self._changed.notify_all()
        self._thread.join(seconds + 1)
        return not self._waiting

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._deadline is not None)
                self._changed.wait_for(lambda: len(self._waiting) >= ENOUGH or self._deadline is not None, GATHER)
                batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
            if not batch:
                break
            if self._write(batch):
                with self._changed:
                    for _ in batch:
                        self._waiting.popleft()
                    self._changed.notify_all()
                self._on_written([(run.job_id, run.attempt) for run in batch])
            elif self._deadline is not None and time.monotonic() > self._deadline:
                break
        self._connection.close()

    def _write(self, batch: Sequence[Finished]) -> bool:
        """Write ends; return False when the database is away. Of two ends of one run the first counts."""
        runs = {(run.job_id, run.attempt): run for run in reversed(batch)}
        try:
            written = self._connection.run(lambda c: finish(c, [runs[key] for key in sorted(runs)]))
        except (psycopg.DataError, psycopg.IntegrityError, ValueError, TypeError) as error:
            return self._write_one_by_one(batch, error)
        except psycopg.Error as error:
            _log.warning("finish_delayed", runs=len(batch), error=type(error).__name__)
            time.sleep(_RETRY_AFTER)
            return False
        if len(written) < len(runs):
            _log.warning("runs_were_given_up", runs=len(runs) - len(written))
        return True

    def _write_one_by_one(self, batch: Sequence[Finished], error: Exception) -> bool:
        """Find the end that the database does not take, so that it keeps no other from being written."""
        if len(batch) > 1:
            return all(self._write([run]) for run in batch)
        _log.error("end_not_writable", job_id=str(batch[0].job_id), error=type(error).__name__)
        if batch[0].ending is UNWRITABLE:
            return True
        return self._write([replace(batch[0], ending=UNWRITABLE)])
