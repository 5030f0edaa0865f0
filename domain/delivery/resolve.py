"""A person decides about a delivery of which nobody knows whether it was sent, or which need not be sent any more."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from domain.audit.record import Act, Actor, record
from domain.delivery import repository
from domain.delivery.failing import tell_of_failure
from domain.delivery.messages import SendDelivery
from domain.delivery.models import SenderFlag
from domain.delivery.repository import Failure, Loaded
from domain.delivery.sender_flags import clear_flag, send_held
from domain.delivery.states import State
from domain.kernel.errors import ConflictError, NotFoundError
from domain.kernel.reasons import fit_reason
from domain.kernel.redaction import redact_text
from domain.notices.raising import NoticeKind, resolve_notice
from domain.queue.control import run_now
from domain.queue.enqueue import enqueue

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Decision = Literal["sent", "resend", "give_up"]
_NOT_SENT: Final = "A person decided that it was not sent."
_GIVEN_UP: Final = "A person gave it up: {reason}"


class NothingToDecideError(ConflictError):
    """What became of the delivery is known, or it is being sent at this moment."""


class NoSuchDeliveryError(NotFoundError):
    """There is no such delivery in this scope."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person decided. `sent`: it was sent after all; `resend`: it was not, so send it; `give_up`: don't."""

    decision: Decision
    reason: str


def resolve_delivery(session: Session, delivery_id: UUID, resolution: Resolution, actor: Actor) -> State:
    """Carry a decision out, on record, and return the delivery's new state.

    `sent` and `resend` are for deliveries of which it is not known whether they were sent; `give_up` is also for those
    that wait. Raises NoSuchDeliveryError, NothingToDecideError or ReasonMissingError.
    """
    resolution = replace(resolution, reason=fit_reason(resolution.reason))
    delivery = repository.lock_delivery(session, delivery_id)
    if delivery is None:
        raise NoSuchDeliveryError
    state = _carry_out(session, delivery, resolution)
    subject = f"delivery:{delivery_id}"
    resolve_notice(session, NoticeKind.OUTCOME_UNKNOWN, subject, org_id=delivery.org_id, by=actor.name)
    record(
        session,
        actor,
        Act(
            "delivery.resolve",
            "delivery",
            str(delivery_id),
            reason=resolution.reason,
            before={"state": delivery.state},
            after={"state": state, "decision": resolution.decision},
            org_id=delivery.org_id,
            client_id=delivery.client_id,
        ),
    )
    return state


def clear_sender(session: Session, flag_id: UUID, actor: Actor, reason: str) -> None:
    """Let a refused sender send again, on record.

    Raises NotFoundError when there is no open flag of this id, and ReasonMissingError.
    """
    flag = session.get(SenderFlag, flag_id)
    # What is wrong with the reason is said of a flag within reach alone: so others' flags answer like none.
    reason = fit_reason(reason) if flag is not None else reason
    if flag is None or not clear_flag(session, flag_id, by=actor.name):
        raise NotFoundError("There is no refused sender of this id.")
    send_held(session, flag.org_id, flag.client_id)
    act = Act(
        "sender_flag.clear", "sender_flag", str(flag_id), reason=reason, org_id=flag.org_id, client_id=flag.client_id
    )
    record(session, actor, act)


def _carry_out(session: Session, delivery: Loaded, resolution: Resolution) -> State:
    decidable = ("unknown", "pending") if resolution.decision == "give_up" else ("unknown",)
    if delivery.state not in decidable or delivery.taken:
        raise NothingToDecideError(f"The delivery is {delivery.state}; there is nothing to decide about it.")
    now = datetime.now(UTC)
    last = repository.last_try(session, delivery.id)
    attempt_id = None if last is None else last.attempt.id
    match resolution.decision:
        case "sent" if attempt_id is not None:
            repository.end_attempt(session, delivery, attempt_id, "accepted", "sent", at=now)
            return "sent"
        case "resend" if attempt_id is not None:
            failure = Failure(_NOT_SENT)
            repository.end_attempt(session, delivery, attempt_id, "not_sent", "pending", at=now, failure=failure)
            _send_now(session, delivery)
            return "pending"
        case _:
            words = _GIVEN_UP.format(reason=redact_text(resolution.reason))
            repository.cancel(session, delivery, words)
            tell_of_failure(session, delivery)
            return "cancelled"


def _send_now(session: Session, delivery: Loaded) -> None:
    job_id = enqueue(
        session,
        SendDelivery(delivery.id),
        org_id=delivery.org_id,
        correlation_id=delivery.correlation_id,
        subject=f"delivery:{delivery.id}",
        unique_key=str(delivery.id),
    )
    # A job of it that waits to look for it once more; one that runs finds out by itself.
    with suppress(ConflictError):
        run_now(session, job_id)
