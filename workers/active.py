"""The runs that a worker process holds."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from uuid import UUID

from domain.queue.run import Run


class Active:
    """The runs that this process has claimed and whose end is not written yet. Thread-safe."""

    def __init__(self) -> None:
        self._runs: dict[tuple[UUID, int], Run] = {}
        self._lock = threading.Lock()

    def add(self, runs: Iterable[Run]) -> None:
        """Note runs that were claimed."""
        with self._lock:
            self._runs.update(((run.job_id, run.attempt), run) for run in runs)

    def discard(self, runs: Iterable[tuple[UUID, int]]) -> None:
        """Forget runs, by job and attempt, that have ended."""
        with self._lock:
            for run in runs:
                self._runs.pop(run, None)

    def holds(self, job_id: UUID, attempt: int) -> bool:
        """Return whether a run is one of these."""
        with self._lock:
            return (job_id, attempt) in self._runs

    def unended(self) -> Sequence[Run]:
        """Return the runs that nobody has given an end yet."""
        with self._lock:
            return [run for run in self._runs.values() if run.ended is None]
