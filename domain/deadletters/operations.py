"""Begin, find and cancel operations on dead letters.

Every requeue and every discard is an operation on record, with its filter, reason and counts. A small one is done at
once, in the caller's transaction; a large one, or one with a rate, is brought to its end by a job, page by page, which
may be killed at any moment and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import func, select

from domain.audit.record import Act, Actor, record
from domain.deadletters.filters import as_json
from domain.deadletters.kinds import load_kinds
from domain.deadletters.messages import Operate
from domain.deadletters.models import Action, DeadOperation
from domain.deadletters.page import finish, work_page
from domain.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.kernel.reasons import fit_reason, fit_reason_given
from domain.kernel.redaction import redact_text
from domain.queue.dead import PAGE, DeadFilter, count_dead
from domain.queue.enqueue import enqueue
from domain.queue.models import Job

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

HIGHEST_RATE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. `reason` is kept in the audit log. `per_minute`: letters that may run a minute at most."""

    action: Action
    which: DeadFilter
    reason: str
    per_minute: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done. Raises InvalidInputError."""
        fit_reason(self.reason)
        if self.per_minute is not None and not 0 < self.per_minute <= HIGHEST_RATE:
            raise InvalidInputError(f"The rate must be between 1 and {HIGHEST_RATE:,} a minute.")
        if self.per_minute is not None and self.action != "requeue":
            raise InvalidInputError("A rate is for requeueing; discarding runs nothing.")


def begin(session: Session, request: Request, actor: Actor) -> DeadOperation:
    """Begin an operation and return it: finished when it is small, else running. Needs a platform scope.

    It means what is dead now; what dies later, of the same cause perhaps, is not touched. Raises NotFoundError when
    nothing fits.
    """
    load_kinds()
    now = session.scalars(select(func.now())).one()
    which = request.which
    until = now if which.before is None else min(now, which.before)
    which = which if which.ids is not None else replace(which, before=until)
    total = count_dead(session, which)
    if not total:
        raise NotFoundError("No dead letter fits that.")
    operation = DeadOperation(
        id=new_id(),
        action=request.action,
        filter=as_json(which),
        per_minute=request.per_minute,
        actor=actor.name,
        reason=redact_text(fit_reason(request.reason)),
        state="running",
        total=total,
        done=0,
        skipped=0,
    )
    session.add(operation)
    session.flush()
    if total <= PAGE and request.per_minute is None:
        causes = session.scalars(select(Job.fingerprint).where(*which.conditions()).distinct()).all()
        work_page(session, operation)
        finish(session, operation, [cause for cause in causes if cause is not None])
    else:
        key = str(operation.id)
        enqueue(session, Operate(operation.id), org_id=PLATFORM_ORG_ID, subject=f"dead_operation:{key}", unique_key=key)
    record(session, actor, _act(session, operation, which))
    return operation


def _act(session: Session, operation: DeadOperation, which: DeadFilter) -> Act:
    """Return the entry of the audit log: about the job when one is meant, else about the operation."""
    after: dict[str, object] = {
        "operation": str(operation.id),
        "filter": operation.filter,
        "total": operation.total,
        "per_minute": operation.per_minute,
        "state": operation.state,
        "done": operation.done,
        "skipped": operation.skipped,
    }
    action = f"dead_letter.{operation.action}"
    if which.ids is not None and len(which.ids) == 1:
        job_id = which.ids[0]
        org_id = session.scalars(select(Job.org_id).where(Job.id == job_id)).one()
        return Act(action, "job", str(job_id), operation.reason, after=after, org_id=org_id)
    org_id = which.org_id or PLATFORM_ORG_ID
    return Act(action, "dead_operation", str(operation.id), operation.reason, after=after, org_id=org_id)


def find(session: Session, operation_id: UUID) -> DeadOperation:
    """Return an operation. Raises NotFoundError."""
    operation = session.get(DeadOperation, operation_id)
    if operation is None:
        raise NotFoundError(f"There is no operation {operation_id}.")
    return operation


def recent(session: Session, *, limit: int = 50, before_id: UUID | None = None) -> Sequence[DeadOperation]:
    """Return operations, newest first; page on with the last id."""
    query = select(DeadOperation).order_by(DeadOperation.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(DeadOperation.id < before_id)
    return session.scalars(query).all()


def cancel(session: Session, operation_id: UUID, actor: Actor, reason: str | None = None) -> DeadOperation:
    """Stop an operation after the page that it works on; what is done stays done.

    Raises NotFoundError, ConflictError when it has ended already, ReasonMissingError for a reason that says nothing.
    """
    reason = fit_reason_given(reason)
    operation = session.get(DeadOperation, operation_id, with_for_update=True)
    if operation is None:
        raise NotFoundError(f"There is no operation {operation_id}.")
    if operation.state != "running":
        raise ConflictError(f"The operation is {operation.state} already.")
    operation.state = "cancelled"
    operation.finished_at = operation.updated_at = session.scalars(select(func.now())).one()
    counts = {"done": operation.done, "skipped": operation.skipped, "total": operation.total}
    record(session, actor, Act("dead_operation.cancel", "dead_operation", str(operation_id), reason, after=counts))
    return operation
