"""Dead letters: jobs that wait for a person, kept until one decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import func, select, update

from domain.kernel.database import raw_connection
from domain.queue.message import spec_for
from domain.queue.models import Job
from domain.queue.publish import remember

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

TRIES_OF_UNKNOWN_KINDS: Final = 5

_REQUEUE: Final = """
    WITH chosen AS (
        SELECT DISTINCT ON (org_id, unique_key, CASE WHEN unique_key IS NULL THEN id END) id FROM jobs
        WHERE id = ANY(%(ids)s::uuid[]) AND state = 'dead' AND NOT EXISTS (
            SELECT FROM jobs live
            WHERE live.org_id = jobs.org_id AND live.kind = jobs.kind AND live.unique_key = jobs.unique_key
                AND live.state IN ('scheduled', 'available', 'executing', 'retryable'))
        ORDER BY org_id, unique_key, CASE WHEN unique_key IS NULL THEN id END, id DESC
    )
    UPDATE jobs SET state = 'available', run_at = now(), max_attempts = attempt + %(tries)s, lost_count = 0,
        queued_at = NULL, finished_at = NULL, cancel_requested_at = NULL, announced_at = NULL
    FROM chosen WHERE jobs.id = chosen.id AND jobs.state = 'dead'
"""


@dataclass(frozen=True, slots=True)
class DeadFilter:
    """Which dead letters are meant; what is None does not narrow. `before` and `after` bound when they died."""

    ids: Sequence[UUID] | None = None
    kind: str | None = None
    fingerprint: str | None = None
    org_id: UUID | None = None
    after: datetime | None = None
    before: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as conditions on `jobs`."""
        conditions = [Job.state == "dead"]
        if self.ids is not None:
            conditions.append(Job.id.in_(self.ids))
        if self.kind is not None:
            conditions.append(Job.kind == self.kind)
        if self.fingerprint is not None:
            conditions.append(Job.fingerprint == self.fingerprint)
        if self.org_id is not None:
            conditions.append(Job.org_id == self.org_id)
        if self.after is not None:
            conditions.append(Job.finished_at >= self.after)
        if self.before is not None:
            conditions.append(Job.finished_at < self.before)
        return conditions


def list_dead(
    session: Session,
    which: DeadFilter,
    *,
    limit: int = 50,
    after_id: UUID | None = None,
    newest_first: bool = False,
) -> Sequence[Job]:
    """Return dead letters by the age of their job, oldest first unless said otherwise; page on with the last id."""
    order = Job.id.desc() if newest_first else Job.id
    query = select(Job).where(*which.conditions()).order_by(order).limit(limit)
    if after_id is not None:
        query = query.where(Job.id < after_id if newest_first else Job.id > after_id)
    return session.scalars(query).all()


def count_dead(session: Session, which: DeadFilter) -> int:
    """Return how many dead letters the filter means."""
    return session.scalar(select(func.count()).select_from(Job).where(*which.conditions())) or 0


def requeue(session: Session, which: DeadFilter) -> int:
    """Make dead letters run again with all their tries, keeping their history; return how many.

    A letter whose unique key a live job holds by now stays where it is; of several with one key, the newest runs.
    """
    jobs = session.execute(select(Job.id, Job.kind).where(*which.conditions())).all()
    requeued = 0
    for kind in sorted({kind for _, kind in jobs}):
        spec = spec_for(kind)
        ids = [job_id for job_id, job_kind in jobs if job_kind == kind]
        tries = TRIES_OF_UNKNOWN_KINDS if spec is None else spec.max_attempts
        requeued += raw_connection(session).execute(_REQUEUE, {"ids": ids, "tries": tries}).rowcount
    if requeued:
        remember(session, [])
    return requeued


def discard(session: Session, which: DeadFilter, reason: str) -> int:
    """Resolve dead letters without running them again: they become cancelled and keep their history."""
    changed = session.execute(
        update(Job)
        .where(*which.conditions())
        .values(state="cancelled", last_error=func.concat("Discarded: ", reason), finished_at=func.now())
        .returning(Job.id)
    )
    return len(changed.all())
