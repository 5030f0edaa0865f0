"""Enqueue jobs in the caller's transaction.

A job that is due and one of a few is marked as handed to the broker already here (`queued_at`), because the same
process will push it right after the commit: that saves a second update of each row. A push that fails takes the mark
off again, and a process that dies in between is found out by the dispatcher (`domain.queue.dispatch.stale`). Anything
else waits for the dispatcher, which is fair to all tenants; so does every job that a limit counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.queue.message import Message, encode, spec_of
from domain.queue.publish import QueuedJob, publisher_of, remember

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

T = TypeVar("T")
DIRECT_LIMIT: Final = 64
"""A transaction that enqueues more than this leaves them to the dispatcher: no tenant fills the broker by itself."""

# What none of the jobs has is NULL in place of an array. The arguments travel as one document, because escaping each
# of them for an array takes longer than all the rest.
_INSERT: Final = """
    INSERT INTO jobs (id, org_id, kind, queue, args, state, priority, run_at, max_attempts, unique_key, subject,
                      correlation_id, limit_key, queued_at)
    SELECT id, %(org_id)s, %(kind)s, %(queue)s, args,
           CASE WHEN run_at > now() THEN 'scheduled' ELSE 'available' END, %(priority)s, coalesce(run_at, now()),
           %(max_attempts)s, unique_key, subject, correlation_id, limit_key,
           CASE WHEN %(direct)s AND (run_at IS NULL OR run_at <= now()) AND NOT EXISTS (
               SELECT FROM queue_limits l
               WHERE (l.tenant_id IS NULL OR l.tenant_id = %(org_id)s) AND (l.kind IS NULL OR l.kind = %(kind)s)
                   AND (l.key IS NULL OR l.key = limit_key)
           ) THEN now() END
    FROM ROWS FROM (
        unnest(%(ids)s::uuid[]), jsonb_array_elements(%(args)s::jsonb), unnest(%(run_ats)s::timestamptz[]),
        unnest(%(unique_keys)s::text[]), unnest(%(subjects)s::text[]), unnest(%(correlation_ids)s::uuid[]),
        unnest(%(limit_keys)s::text[])
    ) AS new (id, args, run_at, unique_key, subject, correlation_id, limit_key)
    ON CONFLICT (org_id, kind, unique_key)
        WHERE unique_key IS NOT NULL AND state IN ('scheduled', 'available', 'executing', 'retryable')
        DO NOTHING
    RETURNING id, queued_at IS NOT NULL
"""

_EXISTING: Final = """
    SELECT id FROM jobs WHERE org_id = %s AND kind = %s AND unique_key = %s
        AND state IN ('scheduled', 'available', 'executing', 'retryable')
"""


@dataclass(frozen=True, slots=True)
class NewJob:
    """One job of a batch. `run_at`: not before then; `unique_key`: at most one live job holds it.

    `limit_key`: what a limit on that key counts together (`domain.queue.limits`), such as "crm:4711".
    Raises ValueError for a time without a timezone.
    """

    message: Message
    correlation_id: UUID | None = None
    subject: str | None = None
    run_at: datetime | None = None
    unique_key: str | None = None
    limit_key: str | None = None

    def __post_init__(self) -> None:
        """Refuse a time that PostgreSQL would take for one of its own timezone."""
        if self.run_at is not None and self.run_at.tzinfo is None:
            raise ValueError("Run a job at a time with a timezone.")


def enqueue(
    session: Session,
    message: Message,
    *,
    org_id: UUID,
    correlation_id: UUID | None = None,
    subject: str | None = None,
    priority: int | None = None,
    run_at: datetime | None = None,
    unique_key: str | None = None,
    limit_key: str | None = None,
) -> UUID:
    """Enqueue one job and return its id, or the id of the live job that already holds `unique_key`."""
    new = NewJob(message, correlation_id, subject, run_at, unique_key, limit_key)
    while True:
        ids = enqueue_many(session, [new], org_id=org_id, priority=priority)
        if ids:
            return ids[0]
        kind = spec_of(message).kind
        existing = raw_connection(session).execute(_EXISTING, (org_id, kind, unique_key)).fetchone()
        if existing is not None:
            found: UUID = existing[0]
            return found


def enqueue_many(session: Session, jobs: Sequence[NewJob], *, org_id: UUID, priority: int | None = None) -> list[UUID]:
    """Enqueue jobs of one kind in one statement; return the ids of those that no live unique key kept out.

    Raises ValueError for jobs of several kinds: kind and queue are written once for all of them.
    """
    if not jobs:
        return []
    spec, *others = sorted(map(spec_of, {type(new.message) for new in jobs}), key=lambda spec: spec.kind)
    if others:
        raise ValueError(f"One batch holds {spec.kind} and {others[0].kind}; enqueue each kind by itself.")
    publisher = publisher_of(session)
    direct = publisher is not None and len(jobs) <= DIRECT_LIMIT and publisher.has_room(spec.queue)
    rows = (
        raw_connection(session)
        .execute(
            _INSERT,
            {
                "org_id": org_id,
                "kind": spec.kind,
                "queue": spec.queue,
                "priority": spec.priority if priority is None else priority,
                "max_attempts": spec.max_attempts,
                "direct": direct,
                "ids": "{" + ",".join([new_id().hex for _ in jobs]) + "}",
                "args": "[" + ",".join([encode(new.message) for new in jobs]) + "]",
                "run_ats": _any([new.run_at for new in jobs]),
                "unique_keys": _any([new.unique_key for new in jobs]),
                "subjects": _any([new.subject for new in jobs]),
                "correlation_ids": _any([new.correlation_id for new in jobs]),
                "limit_keys": _any([new.limit_key for new in jobs]),
            },
        )
        .fetchall()
    )
    queued = [QueuedJob(job_id, spec.kind, spec.queue) for job_id, queued in rows if queued]
    remember(session, queued, left=len(queued) < len(rows))
    return [job_id for job_id, _ in rows]


def _any(values: list[T | None]) -> list[T | None] | None:
    return values if any(value is not None for value in values) else None
