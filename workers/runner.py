"""Run one claimed job: decode, call its actor, end it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from dramatiq.middleware import Interrupt, TimeLimitExceeded

from config.error_reports import report_error
from config.telemetry import JOB_RUN_SECONDS, JOB_WAIT_SECONDS, JOBS
from config.tracing import TRACING
from domain.kernel.recent_errors import note_error
from domain.kernel.redaction import redact_text
from domain.queue.finish import Finished, RunLostError
from domain.queue.message import decode, spec_for
from domain.queue.outcome import Dead, Outcome, Retry, Snooze
from domain.queue.policy import Ending
from domain.queue.run import Run
from workers.registry import actor_for

if TYPE_CHECKING:
    from domain.kernel.clock import Clock
    from domain.statistics.tally import Tally
    from workers.services import Services

UNKNOWN_KIND_PAUSE: Final = timedelta(seconds=30)
_FAILURES: Final = frozenset({"retry", "dead", "lost"})
_log = structlog.get_logger(__name__)


class Runner:
    """Calls actors. `end` takes runs that did not end themselves together with their effect; `tally` counts all."""

    def __init__(
        self, services: Services, clock: Clock, end: Callable[[Finished], None], tally: Tally | None = None
    ) -> None:
        self._services = services
        self._clock = clock
        self._end = end
        self._tally = tally

    def __call__(self, run: Run) -> bool:
        """Run a job to its outcome; return whether its end is written, or not ours to write any more.

        Raises nothing: whatever happens is an outcome.
        """
        try:
            return self._run(run)
        except Interrupt:
            # The time limit struck after the actor had returned. The fence lets only one of two ends count.
            self._end(run.finished(run.ending(_overdue(run))))
            return False

    def _run(self, run: Run) -> bool:
        started = time.perf_counter()
        claimed = run.claimed
        with structlog.contextvars.bound_contextvars(
            job_id=str(claimed.id),
            kind=claimed.kind,
            org_id=str(claimed.org_id),
            correlation_id=str(claimed.correlation_id),
            attempt=claimed.attempt,
        ):
            with TRACING.job(claimed) as traced:
                came_to = self._outcome(run)
                traced.word = name = "lost" if came_to is None else came_to[1].outcome
                traced.failed = name in _FAILURES
            ours = False
            if came_to is not None and run.ended is None:
                ours, run.ended = True, came_to[0]
                self._end(run.finished(came_to[1]))
            seconds = time.perf_counter() - started
            _log.info("job_ran", outcome=name, seconds=round(seconds, 4), waited=round(claimed.waited, 4))
        JOBS.labels(claimed.kind, claimed.queue, name).inc()
        JOB_RUN_SECONDS.labels(claimed.kind).observe(seconds)
        JOB_WAIT_SECONDS.labels(claimed.queue).observe(claimed.waited)
        # One that was given up meanwhile is counted by whoever gave it up.
        if self._tally is not None and came_to is not None:
            self._tally.job_ended(claimed.org_id, claimed.kind, claimed.queue, name, waited=claimed.waited, ran=seconds)
        return not ours

    def _outcome(self, run: Run) -> tuple[Outcome, Ending] | None:
        """Return what the run came to and how that ends it, or None when it was given up while it ran."""
        spec, function = spec_for(run.kind), actor_for(run.kind)
        outcome: Outcome
        try:
            if spec is None or function is None:
                until = self._clock.now() + UNKNOWN_KIND_PAUSE
                outcome = Snooze(until, "This worker does not know this kind of job; a newer one may.")
            else:
                outcome = function(decode(spec.message_type, run.claimed.args), run, self._services)
            return outcome, run.ending(outcome)
        except RunLostError:
            _log.warning("run_given_up")
            return None
        except TimeLimitExceeded as error:
            note_error("jobs", error)
            outcome = _overdue(run)
        except BaseException as error:  # noqa: BLE001  every failure of a job is an outcome, sys.exit in a library too
            _log.exception("job_failed")
            note_error("jobs", error)
            report_error(error)
            outcome = outcome_of(error)
        # It may have ended itself in a transaction that was rolled back, or whose commit is in doubt: end it again.
        run.ended = None
        return outcome, run.ending(outcome)


def outcome_of(error: BaseException) -> Retry | Dead:
    """Return what an exception out of a use case means: another try, unless its class says that it is permanent."""
    name = type(error).__name__
    reason = redact_text(f"{name}: {error}".partition("\n")[0])
    return Dead(reason, name) if getattr(error, "permanent", False) else Retry(reason, error_class=name)


def _overdue(run: Run) -> Retry:
    spec = spec_for(run.kind)
    limit = "its limit" if spec is None else f"{spec.time_limit.total_seconds():g} s"
    return Retry(f"It ran longer than {limit}.", error_class="TimeLimitExceeded")
