"""End runs: the job's next state and its attempt's outcome, in one statement, fenced by the attempt number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from psycopg.types.json import Json

from domain.kernel.errors import GatehouseError
from domain.queue.policy import Ending

if TYPE_CHECKING:
    import psycopg

# A job that somebody asked to cancel while it ran is not run again. One JSON document takes half the time of twelve
# arrays on the client. The CASE keeps PostgreSQL from joining through `jobs_executing` when its statistics are old.
_FINISH_MANY: Final = """
    WITH ended AS (
        SELECT *, state NOT IN ('completed', 'cancelled', 'dead') AS again FROM json_to_recordset(%s)
        AS e (id uuid, attempt integer, started_at timestamptz, state text, outcome text, reason text, error_class text,
              fingerprint text, delay interval, run_at timestamptz, extra integer, lost integer)
    ), changed AS (
        UPDATE jobs
        SET state = CASE WHEN cancel_requested_at IS NOT NULL AND e.again THEN 'cancelled' ELSE e.state END,
            run_at = CASE WHEN e.delay IS NOT NULL THEN now() + e.delay
                          -- Worked out by a worker's clock: one that is behind must not make a job run without a pause.
                          WHEN e.run_at IS NOT NULL THEN greatest(e.run_at, now() + interval '50 ms')
                          ELSE jobs.run_at END,
            finished_at = CASE WHEN cancel_requested_at IS NOT NULL OR NOT e.again THEN now() END,
            max_attempts = jobs.max_attempts + e.extra,
            -- A run that reached its end shows that the job does not kill its worker; one that was cut short does not.
            lost_count = CASE WHEN e.outcome IN ('lost', 'handed_back') THEN jobs.lost_count + e.lost ELSE 0 END,
            worker_id = NULL,
            queued_at = NULL,
            last_error = CASE WHEN e.state IN ('retryable', 'dead') THEN e.reason ELSE jobs.last_error END,
            error_class = CASE WHEN e.state IN ('retryable', 'dead') THEN e.error_class ELSE jobs.error_class END,
            fingerprint = coalesce(e.fingerprint, jobs.fingerprint)
        FROM ended e
        WHERE jobs.id = e.id AND CASE WHEN jobs.attempt = e.attempt THEN jobs.state = 'executing' END
        RETURNING jobs.id, jobs.attempt
    ), closed AS (
        UPDATE job_attempts a
        SET finished_at = now(), outcome = e.outcome, reason = nullif(e.reason, ''),
            error_class = nullif(e.error_class, '')
        FROM ended e JOIN changed ON changed.id = e.id AND changed.attempt = e.attempt
        WHERE a.job_id = e.id AND a.attempt = e.attempt AND a.started_at = e.started_at
    )
    SELECT id FROM changed
"""


# PostgreSQL takes a recordset for a hundred rows, and would rather read a small table whole; one record is one row
# to it.
_FINISH_ONE: Final = _FINISH_MANY.replace("json_to_recordset", "json_to_record")


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
    records = [_record(run) for run in runs]
    if len(records) == 1:
        cursor = connection.execute(_FINISH_ONE, (Json(records[0], _dumps),), prepare=True)
    else:
        cursor = connection.execute(_FINISH_MANY, (Json(records, _dumps),), prepare=True)
    return {row[0] for row in cursor.fetchall()}


_dumps: Final = partial(json.dumps, default=str)
"""PostgreSQL reads ids and times as Python writes them."""


def _record(run: Finished) -> dict[str, object]:
    how = run.ending
    return {
        "id": run.job_id,
        "attempt": run.attempt,
        "started_at": run.started_at,
        "state": how.state,
        "outcome": how.outcome,
        "reason": how.reason,
        "error_class": how.error_class,
        "fingerprint": how.fingerprint,
        "delay": None if how.delay is None else f"{how.delay.total_seconds():.6f} s",
        "run_at": how.run_at,
        "extra": int(how.keeps_try),
        "lost": int(how.outcome == "lost"),
    }
