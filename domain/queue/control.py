"""What a person can do to jobs and queues while they are live: cancel, pause, resume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from uuid import UUID

from sqlalchemy import case, func, select, update

from domain.kernel.errors import ConflictError, NotFoundError
from domain.queue.models import Job, Queue
from domain.queue.names import LIVE_STATES

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


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


def _set_pause(session: Session, queue: str, because: str | None) -> None:
    paused_at = None if because is None else func.now()
    changed = session.execute(
        update(Queue)
        .where(Queue.name == queue)
        .values(paused_at=paused_at, paused_because=because)
        .returning(Queue.name)
    )
    if changed.scalar() is None:
        raise NotFoundError(f"There is no queue {queue!r}.")
