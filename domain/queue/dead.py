"""Dead letters: jobs that wait for a person, kept until one decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import and_, case, collate, exists, func, select, true, tuple_, update
from sqlalchemy.orm import aliased

from domain.kernel.database import raw_connection
from domain.kernel.errors import ConflictError
from domain.queue.message import spec_for
from domain.queue.models import Job
from domain.queue.publish import remember

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session

PAGE: Final = 1_000
"""Letters that are read and changed by one statement."""
TRIES_OF_UNKNOWN_KINDS: Final = 5
_FIRST: Final = UUID(int=0)
_LAST: Final = UUID(int=2**128 - 1)

# After a flood of deaths the statistics know nothing of it: PostgreSQL would gather and sort all that is dead for each
# page. For the rest of the transaction, everything is looked up by its key.
_BY_KEY: Final = """
    SELECT set_config(name, 'off', true)
    FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin',
                      'enable_sort']) AS plan (name)
"""
# The CASE keeps PostgreSQL from joining through an index of all that is dead, for the same reason.
_REQUEUE: Final = """
    UPDATE jobs SET state = CASE WHEN meant.run_at > now() THEN 'scheduled' ELSE 'available' END,
        run_at = coalesce(meant.run_at, now()), max_attempts = attempt + meant.tries, lost_count = 0,
        queued_at = NULL, held_by = NULL, finished_at = NULL, cancel_requested_at = NULL, announced_at = NULL
    FROM unnest(%(ids)s::uuid[], %(tries)s::integer[], %(run_ats)s::timestamptz[]) AS meant (id, tries, run_at)
    WHERE jobs.id = meant.id AND CASE WHEN jobs.state = 'dead' THEN NOT EXISTS (
        SELECT FROM jobs live
        WHERE live.org_id = jobs.org_id AND live.kind = jobs.kind AND live.unique_key = jobs.unique_key
            AND live.state IN ('scheduled', 'available', 'executing', 'retryable')) END
    RETURNING jobs.id
"""


@dataclass(frozen=True, slots=True)
class DeadFilter:
    """Which dead letters are meant; what is None does not narrow. `before` and `after` bound when they died.

    `text` stands somewhere in the error that they died of, upper or lower case.
    """

    ids: Sequence[UUID] | None = None
    kind: str | None = None
    fingerprint: str | None = None
    org_id: UUID | None = None
    after: datetime | None = None
    before: datetime | None = None
    text: str | None = None

    def conditions(self, job: type[Job] = Job) -> list[ColumnElement[bool]]:
        """Return the filter as conditions on `jobs`, or on an alias of it."""
        conditions = [job.state == "dead"]
        if self.ids is not None:
            conditions.append(job.id.in_(self.ids))
        if self.kind is not None:
            conditions.append(job.kind == self.kind)
        if self.fingerprint is not None:
            conditions.append(job.fingerprint == self.fingerprint)
        if self.org_id is not None:
            conditions.append(job.org_id == self.org_id)
        if self.after is not None:
            conditions.append(job.finished_at >= self.after)
        if self.before is not None:
            conditions.append(job.finished_at < self.before)
        if self.text is not None:
            # By the rules of C, which cost a third: errors are ours and English.
            conditions.append(collate(func.coalesce(job.last_error, ""), "C").icontains(self.text, autoescape=True))
        return conditions


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter to decide about. `superseded`: a newer one of the same filter has its unique key."""

    id: UUID
    kind: str
    superseded: bool


def list_dead(
    session: Session,
    which: DeadFilter,
    *,
    limit: int = 50,
    after_id: UUID | None = None,
    newest_first: bool = False,
) -> Sequence[Job]:
    """Return dead letters by the age of their job, oldest first unless said otherwise; page on with the last id."""
    older, newer = (None, after_id) if newest_first else (after_id, None)
    order = [column.desc() if newest_first else column for column in _order(which)]
    query = select(Job).where(*_in_order(which, above=older, below=newer)).order_by(*order).limit(limit)
    return session.scalars(query).all()


def _in_order(which: DeadFilter, *, above: UUID | None = None, below: UUID | None = None) -> list[ColumnElement[bool]]:
    """Return a filter so written that one index alone has its letters in order: those of its cause, or all.

    The statistics may say that nothing is dead; PostgreSQL would then as soon read all to find those of one cause. So a
    cause is written as a range of the index that begins with it, and no other index has that order.
    """
    dead, *narrowing = replace(which, fingerprint=None).conditions()
    if which.fingerprint is None:
        ends = [Job.id > above] if above is not None else []
        ends += [Job.id < below] if below is not None else []
        return [collate(Job.state, "POSIX") == "dead", *narrowing, *ends]
    place = tuple_(Job.fingerprint, Job.id)
    first = place >= (which.fingerprint, _FIRST) if above is None else place > (which.fingerprint, above)
    last = place <= (which.fingerprint, _LAST) if below is None else place < (which.fingerprint, below)
    return [dead, *narrowing, first, last]


def _order(which: DeadFilter) -> list[InstrumentedAttribute[Any]]:
    """Return the columns of the index that `_in_order` means."""
    return [Job.id] if which.fingerprint is None else [Job.fingerprint, Job.id]


def count_dead(session: Session, which: DeadFilter) -> int:
    """Return how many dead letters the filter means."""
    return session.scalar(select(func.count()).select_from(Job).where(*which.conditions())) or 0


def page(session: Session, which: DeadFilter, *, after_id: UUID | None = None, limit: int = PAGE) -> Sequence[Letter]:
    """Return the next letters of a filter, oldest first; page on with the last one's id."""
    raw_connection(session).execute(_BY_KEY)
    newer = aliased(Job)
    _, *narrowing = which.conditions(newer)
    # The CASE keeps PostgreSQL from looking for the newer one among all that is dead, rather than by its key.
    superseded = exists().where(
        collate(newer.state, "C") == "dead",
        newer.org_id == Job.org_id,
        newer.kind == Job.kind,
        newer.unique_key == Job.unique_key,
        newer.id > Job.id,
        case((newer.unique_key.is_not(None), and_(true(), *narrowing))),
    )
    query = select(Job.id, Job.kind, superseded).where(*_in_order(which, above=after_id))
    query = query.order_by(*_order(which)).limit(limit)
    return [Letter(*row) for row in session.execute(query)]


def pages(session: Session, which: DeadFilter) -> Iterator[Sequence[Letter]]:
    """Return all letters of a filter in pages, holding one page at a time."""
    last: UUID | None = None
    while letters := page(session, which, after_id=last):
        yield letters
        last = letters[-1].id


def requeue(session: Session, which: DeadFilter) -> int:
    """Make dead letters run again with all their tries, keeping their history; return how many.

    A letter whose unique key a live job holds by now stays where it is; of several with one key, the newest runs.
    """
    return sum(len(requeue_letters(session, letters)) for letters in pages(session, which))


def requeue_letters(
    session: Session, letters: Sequence[Letter], run_ats: Mapping[UUID, datetime] | None = None
) -> set[UUID]:
    """Requeue letters of one page, each not before its time in `run_ats`; return the ids of those that will run.

    What is superseded, or whose unique key a live job holds, stays dead. Raises ConflictError when such a job came in
    this very moment; the transaction cannot be used any more then.
    """
    meant = [letter for letter in letters if not letter.superseded]
    if not meant:
        return set()
    times = run_ats or {}
    parameters = {
        "ids": [letter.id for letter in meant],
        "tries": [_tries(letter.kind) for letter in meant],
        "run_ats": [times.get(letter.id) for letter in meant],
    }
    try:
        requeued = {row[0] for row in raw_connection(session).execute(_REQUEUE, parameters)}
    except UniqueViolation:
        raise ConflictError("A job of the same unique key was enqueued in this very moment; try again.") from None
    if requeued:
        remember(session, [])
    return requeued


def _tries(kind: str) -> int:
    spec = spec_for(kind)
    return TRIES_OF_UNKNOWN_KINDS if spec is None else spec.max_attempts


def discard(session: Session, which: DeadFilter, reason: str) -> int:
    """Resolve dead letters without running them again: they become cancelled and keep their history."""
    changed = session.execute(
        update(Job)
        .where(*which.conditions())
        .values(state="cancelled", last_error=func.concat("Discarded: ", reason), finished_at=func.now())
        .execution_options(synchronize_session=False)
        .returning(Job.id)
    )
    return len(changed.all())
