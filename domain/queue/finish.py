"""End runs: the job's next state and its attempt's outcome, in one statement, fenced by the attempt number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.kernel.errors import GatehouseError
from domain.queue.policy import Ending

if TYPE_CHECKING:
    import psycopg

# A job that somebody asked to cancel while it ran is not run again.
_FINISH: Final = """
    WITH ended AS (
        SELECT *, state NOT IN ('completed', 'cancelled', 'dead') AS again FROM unnest(
            %(ids)s::uuid[], %(attempts)s::int[], %(starts)s::timestamptz[], %(states)s::text[], %(outcomes)s::text[],
            %(reasons)s::text[], %(error_classes)s::text[], %(fingerprints)s::text[], %(delays)s::interval[],
            %(run_ats)s::timestamptz[], %(extra_tries)s::int[], %(losses)s::int[])
        AS e (id, attempt, started_at, state, outcome, reason, error_class, fingerprint, delay, run_at, extra, lost)
    ), changed AS (
        UPDATE jobs
        SET state = CASE WHEN cancel_requested_at IS NOT NULL AND e.again THEN 'cancelled' ELSE e.state END,
            run_at = coalesce(now() + e.delay, e.run_at, jobs.run_at),
            finished_at = CASE WHEN cancel_requested_at IS NOT NULL OR NOT e.again THEN now() END,
            max_attempts = jobs.max_attempts + e.extra,
            lost_count = jobs.lost_count + e.lost,
            worker_id = NULL,
            queued_at = NULL,
            last_error = CASE WHEN e.state IN ('retryable', 'dead') THEN e.reason ELSE jobs.last_error END,
            error_class = CASE WHEN e.state IN ('retryable', 'dead') THEN e.error_class ELSE jobs.error_class END,
            fingerprint = coalesce(e.fingerprint, jobs.fingerprint)
        FROM ended e
        WHERE jobs.id = e.id AND jobs.attempt = e.attempt AND jobs.state = 'executing'
        RETURNING jobs.id
    ), closed AS (
        UPDATE job_attempts a
        SET finished_at = now(), outcome = e.outcome, reason = nullif(e.reason, ''),
            error_class = nullif(e.error_class, '')
        FROM ended e JOIN changed ON changed.id = e.id
        WHERE a.job_id = e.id AND a.attempt = e.attempt AND a.started_at = e.started_at
    )
    SELECT id FROM changed
"""


class RunLostError(GatehouseError):
    """The run was given up meanwhile: its job is lost, cancelled or handed back, and another run may have begun."""


@dataclass(frozen=True, slots=True)
class Finished:
    """One run and how it ends."""

    job_id: UUID
    attempt: int
    started_at: datetime
    ending: Ending


def finish(connection: psycopg.Connection[Any], runs: Sequence[Finished]) -> set[UUID]:
    """End `runs` in the connection's transaction; return the ids of those that were still theirs to end."""
    endings = [run.ending for run in runs]
    rows = connection.execute(
        _FINISH,
        {
            "ids": [run.job_id for run in runs],
            "attempts": [run.attempt for run in runs],
            "starts": [run.started_at for run in runs],
            "states": [e.state for e in endings],
            "outcomes": [e.outcome for e in endings],
            "reasons": [e.reason for e in endings],
            "error_classes": [e.error_class for e in endings],
            "fingerprints": [e.fingerprint for e in endings],
            "delays": [e.delay for e in endings],
            "run_ats": [e.run_at for e in endings],
            "extra_tries": [int(e.keeps_try) for e in endings],
            "losses": [int(e.outcome == "lost") for e in endings],
        },
        prepare=True,
    ).fetchall()
    return {row[0] for row in rows}
