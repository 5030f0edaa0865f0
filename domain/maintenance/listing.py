"""Read how all work stands, each piece by a few probes of indexes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from domain.kernel.database import raw_connection
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.maintenance.standing import LastRun, LiveJob, Schedule
from domain.maintenance.work import WORK, Work, work_named
from domain.queue.message import spec_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# The newest of its kind that has ended is the first one in the index `jobs_ended_kind`, written so that no statistics
# lead elsewhere (`domain.queue.history`). A job ends once; what its last attempt said is in the month of its start.
_READ: Final = """
    SELECT work.name, clock_timestamp(), schedules.asked_at, live.*, ended.*, run.*
    FROM unnest(%(names)s::text[], %(kinds)s::text[]) AS work (name, kind)
    LEFT JOIN schedules ON schedules.name = work.name
    LEFT JOIN LATERAL (
        SELECT id, state, coalesce(CASE WHEN state = 'executing' THEN attempted_at END, run_at) FROM jobs
        WHERE org_id = %(org_id)s AND kind = work.kind AND unique_key = work.name
            AND state IN ('scheduled', 'available', 'executing', 'retryable') LIMIT 1
    ) live ON true
    LEFT JOIN LATERAL (
        SELECT jobs.id, state, coalesce(attempted_at, created_at), jobs.finished_at, coalesce(said.reason, last_error)
        FROM jobs LEFT JOIN LATERAL (
            SELECT reason FROM job_attempts
            WHERE job_id = jobs.id AND attempt = jobs.attempt AND started_at = jobs.attempted_at
        ) said ON true
        WHERE state IN ('completed', 'cancelled', 'dead') AND (kind, id) < (work.kind, %(newest)s) AND kind >= work.kind
        ORDER BY kind DESC, id DESC LIMIT 1
    ) ended ON true
    LEFT JOIN LATERAL (
        SELECT started_at, finished_at, outcome, words, started_by FROM maintenance_runs
        WHERE name = work.name ORDER BY id DESC LIMIT 1
    ) run ON true
"""
_PLAN: Final = """
    SELECT set_config(name, 'off', true) FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan']) AS plan (name)
"""
_NEWEST: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def list_schedules(session: Session) -> Sequence[Schedule]:
    """Return how all work stands, by its name. In a platform scope."""
    return _read(session, sorted(WORK, key=lambda work: work.name))


def find_schedule(session: Session, name: str) -> Schedule:
    """Return how one piece of work stands, by its name or by what cron calls it. Raises NotFoundError."""
    return _read(session, [work_named(name)])[0]


def _read(session: Session, works: Sequence[Work]) -> Sequence[Schedule]:
    connection = raw_connection(session)
    connection.execute(_PLAN)
    values = {
        "names": [work.name for work in works],
        "kinds": [spec_of(work.message).kind for work in works],
        "org_id": PLATFORM_ORG_ID,
        "newest": _NEWEST,
    }
    rows = {row[0]: row for row in connection.execute(_READ, values).fetchall()}
    return [_schedule(work, rows[work.name]) for work in works]


def _schedule(work: Work, row: Sequence[Any]) -> Schedule:
    _, now, asked_at, *rest = row
    live, ended, run = rest[:3], rest[3:8], rest[8:]
    runs = [last for last in (_ended(ended), _noted(run)) if last is not None]
    return Schedule(
        work,
        now,
        asked_at,
        None if live[0] is None else LiveJob(*live),
        max(runs, key=lambda last: last.started_at, default=None),
    )


def _ended(row: Sequence[Any]) -> LastRun | None:
    job_id, state, started_at, finished_at, said = row
    if job_id is None:
        return None
    words = said or ("It was cancelled." if state == "cancelled" else "")
    return LastRun(started_at, finished_at, "done" if state == "completed" else "failed", words, "worker", job_id)


def _noted(row: Sequence[Any]) -> LastRun | None:
    started_at, finished_at, outcome, words, by = row
    return None if started_at is None else LastRun(started_at, finished_at, outcome, words or "", by)
