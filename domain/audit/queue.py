"""What administrators do to the queue, each act with its entry in the same transaction. All in a platform scope.

All raise ReasonMissingError for a reason that says nothing; where it may be left out, None does that.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from sqlalchemy import select

from domain.audit.record import Act, Actor, record
from domain.kernel.errors import NotFoundError
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.kernel.reasons import fit_reason, fit_reason_given
from domain.queue import control, limits, weights
from domain.queue.limits import LimitRule
from domain.queue.models import Job

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def pause_queue(session: Session, queue: str, because: str, actor: Actor) -> None:
    """Stop handing out a queue's jobs. Raises NotFoundError, ReasonMissingError."""
    because = fit_reason(because)
    control.pause(session, queue, because)
    record(session, actor, Act("queue.pause", "queue", queue, because))


def resume_queue(session: Session, queue: str, actor: Actor, reason: str | None = None) -> None:
    """Hand out a queue's jobs again. Raises NotFoundError."""
    control.resume(session, queue)
    record(session, actor, Act("queue.resume", "queue", queue, fit_reason_given(reason)))


def drain_queue(session: Session, queue: str, because: str, actor: Actor) -> None:
    """Have a queue worked until it is empty, then paused. Raises NotFoundError, ConflictError, ReasonMissingError."""
    because = fit_reason(because)
    control.drain(session, queue, because)
    record(session, actor, Act("queue.drain", "queue", queue, because))


def set_limit(session: Session, rule: LimitRule, actor: Actor, reason: str | None = None) -> UUID:
    """Set a limit and return its id. Raises NotFoundError for an unknown tenant."""
    limit_id = limits.set_limit(session, rule)
    after = {name: value if value is None else str(value) for name, value in asdict(rule).items()}
    act = Act(
        "queue.limit",
        "queue_limit",
        str(limit_id),
        fit_reason_given(reason),
        after=after,
        org_id=rule.tenant_id or PLATFORM_ORG_ID,
    )
    record(session, actor, act)
    return limit_id


def remove_limit(session: Session, limit_id: UUID, actor: Actor, reason: str | None = None) -> None:
    """Remove a limit. Raises NotFoundError."""
    limits.remove_limit(session, limit_id)
    record(session, actor, Act("queue.unlimit", "queue_limit", str(limit_id), fit_reason_given(reason)))


def set_weight(session: Session, tenant_id: UUID, weight: int, actor: Actor, reason: str | None = None) -> None:
    """Give a tenant so many jobs a round. Raises InvalidInputError, NotFoundError."""
    weights.set_weight(session, tenant_id, weight)
    act = Act(
        "queue.weigh",
        "organization",
        str(tenant_id),
        fit_reason_given(reason),
        after={"weight": weight},
        org_id=tenant_id,
    )
    record(session, actor, act)


def cancel_job(
    session: Session, job_id: UUID, actor: Actor, reason: str | None = None
) -> Literal["cancelled", "requested"]:
    """Cancel a live job, or ask for it while it runs. Raises NotFoundError, ConflictError."""
    came_to = control.cancel(session, job_id)
    record(session, actor, _act(session, "job.cancel", job_id, reason))
    return came_to


def run_job_now(session: Session, job_id: UUID, actor: Actor, reason: str | None = None) -> None:
    """Let a job run now that waits for its time or next try. Raises NotFoundError, ConflictError."""
    control.run_now(session, job_id)
    record(session, actor, _act(session, "job.run_now", job_id, reason))


def _act(session: Session, action: str, job_id: UUID, reason: str | None) -> Act:
    org_id = session.scalars(select(Job.org_id).where(Job.id == job_id)).one_or_none()
    if org_id is None:
        raise NotFoundError(f"There is no job {job_id}.")
    return Act(action, "job", str(job_id), fit_reason_given(reason), org_id=org_id)
