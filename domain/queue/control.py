"""What a person can do to jobs and queues while they are live: cancel, run now, pause, resume, drain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from sqlalchemy import case, func, select, update

from domain.kernel.database import raw_connection
from domain.kernel.errors import ConflictError, NotFoundError
from domain.queue.models import Job, Queue
from domain.queue.names import LIVE_STATES
from domain.queue.publish import remember

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_RUN_KEYED_NOW: Final = """
    UPDATE jobs SET state = 'available', run_at = now(), queued_at = NULL
    WHERE org_id = %s AND kind = %s AND unique_key = ANY(%s) AND state = 'scheduled'
"""


def cancel(session: Session, job_id: UUID) -> Literal["cancelled", "requested"]:
    """Cancel a live job. One that runs now is not interrupted, but it is not run again ("requested").

    Raises NotFoundError, or ConflictError when the job has ended already.
    """
    running = Job.state == "executing"
    state = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state.in_(LIVE_STATES))
        .values(
            state=case((running, "executing"), else_="cancelled"),
            cancel_requested_at=func.now(),
            finished_at=case((running, None), else_=func.now()),
            queued_at=None,
            held_by=None,
        )
        .returning(Job.state)
    ).scalar()
    if state is None:
        ended = session.execute(select(Job.state).where(Job.id == job_id)).scalar()
        if ended is None:
            raise NotFoundError(f"There is no job {job_id}.")
        raise ConflictError(f"Job {job_id} is {ended} already.")
    return "requested" if state == "executing" else "cancelled"


def run_now(session: Session, job_id: UUID) -> None:
    """Let a job run now that waits for its time or for its next try. Raises NotFoundError or ConflictError."""
    moved = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state.in_(("scheduled", "retryable")))
        .values(state="available", run_at=func.now(), queued_at=None)
        .returning(Job.id)
    ).scalar()
    if moved is None:
        state = session.execute(select(Job.state).where(Job.id == job_id)).scalar()
        if state is None:
            raise NotFoundError(f"There is no job {job_id}.")
        raise ConflictError(f"Job {job_id} is {state}: it does not wait for a time.")
    remember(session, [])


def run_keyed_now(session: Session, org_id: UUID, kind: str, unique_keys: Sequence[str]) -> int:
    """Let those jobs of one kind run now that hold one of these unique keys and wait for their time; return how many.

    Left to the dispatcher, however many they are.
    """
    moved = raw_connection(session).execute(_RUN_KEYED_NOW, (org_id, kind, list(unique_keys))).rowcount
    if moved:
        remember(session, [])
    return moved


def pause(session: Session, queue: str, because: str) -> None:
    """Stop handing out a queue's jobs; what runs now goes on. Raises NotFoundError."""
    _set_pause(session, queue, because)


def resume(session: Session, queue: str) -> None:
    """Hand out a queue's jobs again. Raises NotFoundError."""
    _set_pause(session, queue, None)
    # Entries that workers refused while it was paused have left the broker.
    session.execute(
        update(Job)
        .where(Job.queue == queue, Job.state == "available", Job.queued_at.is_not(None))
        .values(queued_at=None)
    )
    remember(session, [])


def drain(session: Session, queue: str, because: str) -> None:
    """Have a queue worked until nothing in it waits or runs, and pause it then. Raises NotFoundError, ConflictError.

    What comes meanwhile is worked as well; what is due later stays for when the queue is resumed.
    """
    draining = (
        update(Queue)
        .where(Queue.name == queue, Queue.paused_at.is_(None))
        .values(draining_at=func.now(), paused_because=because)
        .returning(Queue.name)
    )
    if session.execute(draining).scalar() is None:
        if session.execute(select(Queue.name).where(Queue.name == queue)).scalar() is None:
            raise NotFoundError(f"There is no queue {queue!r}.")
        raise ConflictError(f"The queue {queue} is paused; resume it first, so that its jobs can run.")


def _set_pause(session: Session, queue: str, because: str | None) -> None:
    paused_at = None if because is None else func.now()
    changed = session.execute(
        update(Queue)
        .where(Queue.name == queue)
        .values(paused_at=paused_at, paused_because=because, draining_at=None)
        .returning(Queue.name)
    )
    if changed.scalar() is None:
        raise NotFoundError(f"There is no queue {queue!r}.")
