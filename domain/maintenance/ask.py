"""Have work done at once, on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from domain.audit.record import Act, Actor, record
from domain.kernel.database import raw_connection
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.kernel.reasons import fit_reason
from domain.maintenance.work import work_named
from domain.queue.control import run_now
from domain.queue.enqueue import enqueue
from domain.queue.models import Job

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# Its period begins anew, as when the scheduler had asked for it.
_ASKED: Final = """
    INSERT INTO schedules (name, asked_at) VALUES (%s, now()) ON CONFLICT (name) DO UPDATE SET asked_at = now()
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """The job that does it. `state` is "executing" when it ran already: there is no second beside it."""

    name: str
    job_id: UUID
    state: str


def ask_now(session: Session, name: str, because: str, actor: Actor) -> Asked:
    """Have work done at once; one of its jobs that waits for its time or next try is let run. In a platform scope.

    Raises NotFoundError, ReasonMissingError.
    """
    because = fit_reason(because)
    work = work_named(name)
    if work.asked:
        raw_connection(session).execute(_ASKED, (work.name,))
    job_id = enqueue(
        session, work.message, org_id=PLATFORM_ORG_ID, subject=f"schedule:{work.name}", unique_key=work.name
    )
    state = session.scalars(select(Job.state).where(Job.id == job_id)).one()
    if state in {"scheduled", "retryable"}:
        run_now(session, job_id)
        state = "available"
    record(session, actor, Act("maintenance.run", "schedule", work.name, because))
    return Asked(work.name, job_id, state)
