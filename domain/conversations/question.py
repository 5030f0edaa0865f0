"""Read everything that a reply needs, before it is composed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.conversations.messages import ProcessMessages
from domain.conversations.thread import Thread, Waiting, history
from domain.flags.definitions import ANSWER_THRESHOLD
from domain.flags.inforce import flags_of, number
from domain.gate.decide import decide
from domain.gate.guards import Decision, Guard
from domain.gate.snapshot import Snapshot
from domain.kernel.database import raw_connection
from domain.kernel.errors import NotFoundError
from domain.replies.ports import ReplyRequest
from domain.replies.search import search_knowledge

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# In the order of the fields of `Business`.
_BUSINESS: Final = """
    SELECT c.id, c.org_id, c.name, s.fallback_text, s.call_back_text,
           s.answer_threshold::float8,
           EXISTS (SELECT FROM webhook_endpoints e WHERE e.org_id = c.org_id)
    FROM clients c LEFT JOIN client_settings s ON s.client_id = c.id
    WHERE c.id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Business:
    """What a reply needs to know of the client. `has_endpoints`: somebody may want to hear of messages.

    `answer_threshold` is the client's own, if it has one.
    """

    id: UUID
    org_id: UUID
    name: str
    fallback_text: str | None
    call_back_text: str | None
    answer_threshold: float | None
    has_endpoints: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered, and everything that the answer may use; without a `request` fixed words answer it."""

    conversation_id: UUID
    messages: Sequence[Waiting]
    business: Business
    request: ReplyRequest | None


def ask(
    session: Session,
    message: ProcessMessages,
    thread: Thread,
    waiting: Sequence[Waiting],
    snapshot: Snapshot,
    decision: Decision,
) -> Question:
    """Return the question that messages ask, which the gate lets pass or limits. Raises NotFoundError: no client."""
    business = _business(session, message.client_id)
    if decision.block:
        return Question(thread.id, waiting, business, None)
    booking_url = None
    if snapshot.booking_mode == "redirect":
        booking = decide_on(session, Guard.CAN_PROCESS_BOOKING_REQUEST, snapshot, waiting)
        booking_url = snapshot.booking_url if booking.allowed else None
    return Question(thread.id, waiting, business, _request(session, business, thread.id, waiting, booking_url))


def decide_on(session: Session, guard: Guard, snapshot: Snapshot, waiting: Sequence[Waiting]) -> Decision:
    """Ask the gate about messages that are answered together, on record with the last of them."""
    last = waiting[-1]
    return decide(session, guard, snapshot, subject=f"message:{last.id}", correlation_id=last.correlation_id)


def _business(session: Session, client_id: UUID) -> Business:
    row: tuple[Any, ...] | None = raw_connection(session).execute(_BUSINESS, {"id": client_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no client {client_id} in this organization.")
    return Business(*row)


def _request(
    session: Session,
    business: Business,
    conversation_id: UUID,
    waiting: Sequence[Waiting],
    booking_url: str | None,
) -> ReplyRequest:
    question = "\n".join(one.body for one in waiting)
    said = history(session, conversation_id)
    return ReplyRequest(
        client_name=business.name,
        question=question,
        passages=search_knowledge(session, business.id, question, history=said),
        history=said,
        threshold=_threshold(session, business),
        call_back_text=business.call_back_text,
        booking_url=booking_url,
    )


def _threshold(session: Session, business: Business) -> float:
    if business.answer_threshold is not None:
        return business.answer_threshold
    return number(flags_of(session), ANSWER_THRESHOLD, org_id=business.org_id, client_id=business.id)
