"""Find jobs among all that ever were, newest first, at a bounded cost.

What was enqueued last comes first: ids grow with time, so the primary key is the order, and a time is a bound on ids. A
filter that few jobs fit has an index in that order, over jobs that have ended or failed (`_PAIRS`); live work, of which
there is little, is gathered from the queue's own indexes and merged in. Everything else is looked for among a bounded
number of jobs at a time: then the page may be short, and says until when was looked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString
from uuid import UUID

from psycopg.rows import class_row
from psycopg.sql import SQL

from domain.kernel.database import raw_connection
from domain.queue.names import LIVE_STATES, State

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.orm import Session

SCAN: Final = 5_000
"""Jobs that one page looks at, at most."""
LIVE_MOST: Final = 2_000
"""Live jobs that are gathered, from each of the queue's indexes; when there are more, the newest are looked through."""
_NEWEST: Final = UUID(int=2**128 - 1)
_OLDEST: Final = UUID(int=0)

_COLUMNS: Final = """id, org_id, kind, queue, state, attempt, max_attempts, created_at, run_at, attempted_at,
    finished_at, subject, correlation_id, fingerprint, error_class, left(last_error, 500) AS last_error"""
_FILTER: Final = """(%(state)s::text IS NULL OR state = %(state)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(queue)s::text IS NULL OR queue = %(queue)s) AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)
    AND (%(error_class)s::text IS NULL OR error_class = %(error_class)s)
    AND (%(fingerprint)s::text IS NULL OR fingerprint = %(fingerprint)s)"""

# PostgreSQL chooses among indexes by statistics that may be older than what happened since: told that nearly all jobs
# fit, it would walk the primary key for the few that do. An order that begins with the column leaves it one index, and
# the rest of the transaction may neither sort instead nor read the table whole.
_IN_ORDER: Final = """
    SELECT set_config(name, 'off', true)
    FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_sort'])
        AS plan (name)
"""
_ENDED: Final = "state IN ('completed', 'cancelled', 'dead')"
_WALK: Final = "FROM jobs WHERE id < %(before)s AND id >= %(oldest)s ORDER BY id DESC"


def _pair(column: LiteralString, condition: LiteralString) -> LiteralString:
    return (
        f"FROM jobs WHERE ({column}, id) < (%({column})s, %(before)s) AND ({column}, id) >= (%({column})s, %(oldest)s)"
        f" AND {condition} ORDER BY {column} DESC, id DESC"
    )


# In the order in which they are preferred, each under the condition of its index. `whole`: live jobs are in that too.
_PAIRS: Final[Mapping[str, tuple[LiteralString, bool]]] = {
    "fingerprint": (_pair("fingerprint", "fingerprint IS NOT NULL"), True),
    "error_class": (_pair("error_class", "error_class IS NOT NULL"), True),
    "state": (_pair("state", "state IN ('cancelled', 'dead')"), True),
    "org_id": (_pair("org_id", _ENDED), False),
    "kind": (_pair("kind", _ENDED), False),
}

# Each is read in the order of its index, for the reason above.
_LIVE: Final[Mapping[str, LiteralString]] = {
    "executing": "WHERE state = 'executing' ORDER BY worker_id",
    "due": "WHERE state IN ('scheduled', 'retryable') ORDER BY run_at",
    "queued": "WHERE state = 'available' AND queued_at IS NOT NULL ORDER BY queue, queued_at",
    "waiting": "WHERE state = 'available' AND queued_at IS NULL AND held_by IS NULL"
    " ORDER BY queue, org_id, priority, run_at, id",
    "held": "WHERE held_by IS NOT NULL ORDER BY held_by, queue, org_id, priority, run_at, id",
}
_LIVE_OF: Final[Mapping[str | None, Sequence[str]]] = {
    "executing": ["executing"],
    "scheduled": ["due"],
    "retryable": ["due"],
    "available": ["queued", "waiting", "held"],
    None: list(_LIVE),
}


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are meant; what is None does not narrow.

    `since` and `until` bound when they were enqueued, by the clock of who did, to the millisecond; `until` excluded.
    """

    state: State | None = None
    kind: str | None = None
    queue: str | None = None
    org_id: UUID | None = None
    error_class: str | None = None
    fingerprint: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def parameters(self, before: UUID | None) -> dict[str, object]:
        """Return what the statements are given; `before`: where the page before this one ended."""
        bounds = [id_bound(self.until)] if self.until else []
        return {
            "state": self.state,
            "kind": self.kind,
            "queue": self.queue,
            "org_id": self.org_id,
            "error_class": self.error_class,
            "fingerprint": self.fingerprint,
            "before": min([*bounds, before or _NEWEST]),
            "oldest": id_bound(self.since) if self.since else _OLDEST,
        }


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job as lists show it, without its arguments. `last_error`: its beginning."""

    id: UUID
    org_id: UUID
    kind: str
    queue: str
    state: State
    attempt: int
    max_attempts: int
    created_at: datetime
    run_at: datetime
    attempted_at: datetime | None
    finished_at: datetime | None
    subject: str | None
    correlation_id: UUID | None
    fingerprint: str | None
    error_class: str | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs, newest first. `next`: the id before which to go on, None at the end.

    `looked_until`: the page is short because only jobs enqueued since then were looked at.
    """

    jobs: Sequence[ListedJob] = field(default_factory=list)
    next: UUID | None = None
    looked_until: datetime | None = None


def list_jobs(session: Session, which: JobFilter, *, limit: int = 50, before: UUID | None = None) -> JobPage:
    """Return a page of jobs that fit. In a platform scope; it tells PostgreSQL how to plan all that follows in it."""
    connection = raw_connection(session)
    connection.execute(_IN_ORDER)
    values = which.parameters(before) | {"limit": limit, "scan": SCAN}
    walk, whole = _walk_for(which)
    live: Sequence[ListedJob] = []
    if which.state != "completed" and (not whole or (walk == _WALK and which.state in LIVE_STATES)):
        gathered = _gathered(connection, which.state, values)
        if gathered is None:
            walk = _WALK
        elif which.state in LIVE_STATES:
            return _page(_Walked(gathered), [], limit)
        else:
            live = gathered
    return _page(_walked(connection, walk, values), live, limit)


def id_bound(moment: datetime) -> UUID:
    """Return the least id that can have been made at a moment."""
    return UUID(int=int(moment.timestamp() * 1_000) << 80)


def made_at(job_id: UUID) -> datetime:
    """Return when an id was made."""
    return datetime.fromtimestamp((job_id.int >> 80) / 1_000, UTC)


@dataclass(frozen=True, slots=True)
class _Walked:
    """What a walk found; `stopped_at`: the last job that it looked at when it was not allowed to go on."""

    jobs: Sequence[ListedJob]
    stopped_at: UUID | None = None


def _walk_for(which: JobFilter) -> tuple[LiteralString, bool]:
    for name, (walk, whole) in _PAIRS.items():
        if getattr(which, name) is not None and (name != "state" or which.state in {"cancelled", "dead"}):
            return walk, whole
    return _WALK, True


def _walked(connection: psycopg.Connection[Any], walk: LiteralString, values: Mapping[str, object]) -> _Walked:
    query = SQL("SELECT {} FROM (SELECT * {} LIMIT %(scan)s) walked WHERE {} LIMIT %(limit)s + 1")
    with connection.cursor(row_factory=class_row(ListedJob)) as cursor:
        jobs = cursor.execute(query.format(SQL(_COLUMNS), SQL(walk), SQL(_FILTER)), values).fetchall()
    if len(jobs) > int(str(values["limit"])):
        return _Walked(jobs)
    stop = SQL("SELECT id {} OFFSET %(scan)s - 1 LIMIT 1").format(SQL(walk))
    row = connection.execute(stop, values).fetchone()
    return _Walked(jobs, None if row is None else row[0])


def _gathered(
    connection: psycopg.Connection[Any], state: State | None, values: Mapping[str, object]
) -> list[ListedJob] | None:
    """Return the live jobs that fit; None when there are too many to gather."""
    parts = [SQL("(SELECT * FROM jobs {} LIMIT %(most)s + 1)").format(SQL(_LIVE[name])) for name in _LIVE_OF[state]]
    query = SQL("""
        WITH live AS MATERIALIZED ({}), counted AS (SELECT count(*) AS jobs FROM live)
        SELECT {}, counted.jobs FROM counted LEFT JOIN live ON {} AND id < %(before)s AND id >= %(oldest)s
        ORDER BY id DESC LIMIT %(limit)s + 1
    """)
    rows = connection.execute(
        query.format(SQL(" UNION ALL ").join(parts), SQL(_COLUMNS), SQL(_FILTER)), {**values, "most": LIVE_MOST}
    ).fetchall()
    if rows[0][-1] > LIVE_MOST:
        return None
    return [ListedJob(*row[:-1]) for row in rows if row[0] is not None]


def _page(walked: _Walked, live: Sequence[ListedJob], limit: int) -> JobPage:
    found = {job.id: job for job in [*walked.jobs, *live]}
    jobs = sorted(found.values(), key=lambda job: job.id, reverse=True)
    if walked.stopped_at is not None:
        jobs = [job for job in jobs if job.id >= walked.stopped_at]
    if len(jobs) > limit:
        return JobPage(jobs[:limit], jobs[limit - 1].id)
    if walked.stopped_at is not None:
        return JobPage(jobs, walked.stopped_at, made_at(walked.stopped_at))
    return JobPage(jobs)
