"""Run one claimed job: decode, call its actor, end it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from dramatiq.middleware import Interrupt, TimeLimitExceeded

from config.telemetry import JOB_RUN_SECONDS, JOB_WAIT_SECONDS, JOBS
from domain.kernel.redaction import redact_text
from domain.queue.finish import Finished, RunLostError
from domain.queue.message import decode, spec_for
from domain.queue.outcome import Dead, Outcome, Retry, Snooze
from domain.queue.run import Run
from workers.registry import actor_for

if TYPE_CHECKING:
    from domain.kernel.clock import Clock
    from workers.services import Services

UNKNOWN_KIND_PAUSE: Final = timedelta(seconds=30)
_log = structlog.get_logger(__name__)


class Runner:
    """Calls actors. `end` takes runs that did not end themselves together with their effect."""

    def __init__(self, services: Services, clock: Clock, end: Callable[[Finished], None]) -> None:
        self._services = services
        self._clock = clock
        self._end = end

    def __call__(self, run: Run) -> None:
        """Run a job to its outcome. Raises nothing: whatever happens is an outcome."""
        started = time.perf_counter()
        claimed = run.claimed
        with structlog.contextvars.bound_contextvars(
            job_id=str(claimed.id),
            kind=claimed.kind,
            org_id=str(claimed.org_id),
            correlation_id=str(claimed.correlation_id),
            attempt=claimed.attempt,
        ):
            outcome = self._outcome(run)
            how = None if outcome is None else run.ending(outcome)
            if how is not None and run.ended is None:
                self._end(run.finished(how))
            seconds = time.perf_counter() - started
            name = "lost" if how is None else how.outcome
            _log.info("job_ran", outcome=name, seconds=round(seconds, 4), waited=round(claimed.waited, 4))
        JOBS.labels(claimed.kind, claimed.queue, name).inc()
        JOB_RUN_SECONDS.labels(claimed.kind).observe(seconds)
        JOB_WAIT_SECONDS.labels(claimed.queue).observe(claimed.waited)

    def _outcome(self, run: Run) -> Outcome | None:
        """Return what the run came to, or None when it was given up while it ran."""
        spec, function = spec_for(run.kind), actor_for(run.kind)
        if spec is None or function is None:
            until = self._clock.now() + UNKNOWN_KIND_PAUSE
            return Snooze(until, "This worker does not know this kind of job; a newer one may.")
        try:
            return function(decode(spec.message_type, run.claimed.args), run, self._services)
        except RunLostError:
            _log.warning("run_given_up")
            return None
        except TimeLimitExceeded:
            return Retry(f"It ran longer than {spec.time_limit.total_seconds():g} s.", error_class="TimeLimitExceeded")
        except Interrupt:
            return None
        except Exception as error:  # noqa: BLE001  every failure of a job is an outcome
            _log.exception("job_failed")
            return outcome_of(error)


def outcome_of(error: Exception) -> Retry | Dead:
    """Return what an exception out of a use case means: another try, unless its class says that it is permanent."""
    name = type(error).__name__
    reason = redact_text(f"{name}: {error}".partition("\n")[0])
    return Dead(reason, name) if getattr(error, "permanent", False) else Retry(reason, error_class=name)
