"""The runs that a worker process holds."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from uuid import UUID

from domain.queue.run import Run


class Active:
    """The runs that this process has claimed and not ended. Thread-safe."""

    def __init__(self) -> None:
        self._runs: dict[UUID, Run] = {}
        self._lock = threading.Lock()

    def add(self, runs: Iterable[Run]) -> None:
        """Note runs that were claimed."""
        with self._lock:
            self._runs.update((run.job_id, run) for run in runs)

    def discard(self, job_ids: Iterable[UUID]) -> None:
        """Forget runs that have ended."""
        with self._lock:
            for job_id in job_ids:
                self._runs.pop(job_id, None)

    def unended(self) -> Sequence[Run]:
        """Return the runs that have not ended."""
        with self._lock:
            return [run for run in self._runs.values() if run.ended is None]
