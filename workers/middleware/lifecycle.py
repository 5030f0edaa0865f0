"""Start and stop of a worker process inside Dramatiq."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import dramatiq
import structlog

from domain.queue.policy import HANDED_BACK

if TYPE_CHECKING:
    from workers.engine import Engine

_FLUSH_SECONDS: Final = 5.0
_log = structlog.get_logger(__name__)


class Lifecycle(dramatiq.Middleware):
    """Takes no more jobs once told to stop; what is not done within the deadline goes back to the queue."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Stop claiming; Dramatiq then waits for the threads."""
        del broker, worker
        self._engine.slots.close()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Hand back what was claimed and not finished, write what waits to be written, say goodbye."""
        del broker, worker
        left = self._engine.active.unended()
        for run in left:
            self._engine.finisher.submit(run.finished(HANDED_BACK))
            self._engine.tally.job_ended(run.org_id, run.kind, run.claimed.queue, HANDED_BACK.outcome)
        written = self._engine.close(_FLUSH_SECONDS)
        _log.info("worker_stopped", handed_back=len(left), all_written=written)
