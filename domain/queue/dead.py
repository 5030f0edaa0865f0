"""Dead letters: jobs that wait for a person, kept until one decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select, update

from domain.queue.message import spec_for
from domain.queue.models import Job
from domain.queue.publish import remember

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


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

    A letter whose unique key a live job holds by now stays where it is.
    """
    jobs = session.execute(select(Job.id, Job.kind, Job.max_attempts).where(*which.conditions())).all()
    requeued = 0
    for kind in sorted({kind for _, kind, _ in jobs}):
        ids = [job_id for job_id, job_kind, _ in jobs if job_kind == kind]
        requeued += len(session.execute(_requeue_kind(kind, ids)).all())
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


def _requeue_kind(kind: str, ids: Sequence[UUID]) -> Any:  # noqa: ANN401  SQLAlchemy's type of an UPDATE … RETURNING
    spec = spec_for(kind)
    tries = 5 if spec is None else spec.max_attempts
    other = select(Job).where(Job.state.in_(("scheduled", "available", "executing", "retryable"))).subquery()
    held = select(other.c.id).where(
        other.c.org_id == Job.org_id, other.c.kind == Job.kind, other.c.unique_key == Job.unique_key
    )
    return (
        update(Job)
        .where(Job.id.in_(ids), Job.state == "dead", ~held.exists())
        .values(
            state="available",
            run_at=func.now(),
            max_attempts=Job.attempt + tries,
            lost_count=0,
            queued_at=None,
            finished_at=None,
            cancel_requested_at=None,
        )
        .returning(Job.id)
    )
