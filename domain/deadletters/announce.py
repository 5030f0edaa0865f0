"""Tell of jobs that died: the operators by a notice, the tenant's programs by an event, the owner by an alert.

The notice is one for each organization and cause, however many died of it, and says how many. Only what is dead still
is told: somebody may have been faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from domain.notices.raising import NoticeKind, raise_notice
from domain.queue.messages import JobDied
from domain.queue.models import Job
from domain.queue.outcome import Done, Outcome
from domain.queue.run import Run

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_LONGEST_REASON: Final = 300


def job_died(message: JobDied, run: Run) -> Outcome:
    """Tell of the deaths in `message`, all in the transaction that ends the job."""
    with run.scope() as session:
        dead = _still_dead(session, message)
        if not dead:
            return run.finish(session, Done("Nothing of it is dead any more."))
        _raise_notice(session, dead)
        return run.finish(session, Done(f"Told of {len(dead)}."))


def _still_dead(session: Session, message: JobDied) -> Sequence[Job]:
    # Loading also the kind and cause of each: they are the same, unless one was requeued and died of something else.
    query = select(Job).where(Job.id.in_(message.job_ids), Job.state == "dead").order_by(Job.id)
    return session.scalars(query).all()


def _raise_notice(session: Session, dead: Sequence[Job]) -> None:
    newest = dead[-1]
    reason = (newest.last_error or "No reason is on record.")[:_LONGEST_REASON]
    words = f"Jobs of kind {newest.kind} died: {reason}"
    subject = newest.fingerprint or newest.kind
    raise_notice(session, NoticeKind.DEAD_LETTER, subject, words, org_id=newest.org_id, times=len(dead))
