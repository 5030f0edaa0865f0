"""Answer what a contact wrote: consent first, then the gate, then the reply.

Two transactions around composing, which may call a model: the first takes the conversation's lease and reads everything
that the reply needs; the second stores the reply, its delivery, the owner's alert and the end of the job together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.clients.numbers import is_e164
from domain.conversations.answer import Answer, store_answer
from domain.conversations.consent import apply_keywords
from domain.conversations.messages import ProcessMessages
from domain.conversations.ports import ThreadSignal
from domain.conversations.thread import (
    Waiting,
    history,
    mark_processed,
    release_thread,
    take_thread,
    waiting_messages,
)
from domain.conversations.wording import fallback
from domain.delivery.opt_outs import is_opted_out
from domain.gate.decide import decide
from domain.gate.guards import Decision, Guard
from domain.gate.snapshot import Snapshot, load_snapshot
from domain.kernel.clock import Clock
from domain.kernel.database import raw_connection
from domain.kernel.errors import NotFoundError
from domain.queue.outcome import Cancel, Done, Outcome, Snooze
from domain.queue.run import Run
from domain.replies.ports import ComposedReply, Composer, ReplyRequest
from domain.replies.search import search_knowledge

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DEFAULT_THRESHOLD: Final = 0.5
HELD_PAUSE: Final = timedelta(milliseconds=250)

# In the order of the fields of `Business`.
_BUSINESS: Final = """
    SELECT c.id, c.org_id, c.name, c.owner_phone, coalesce(s.notification_channel, 'sms'), s.fallback_text,
           s.call_back_text, coalesce(s.answer_threshold, %(threshold)s)::float8
    FROM clients c LEFT JOIN client_settings s ON s.client_id = c.id
    WHERE c.id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Business:
    """What a reply needs to know of the client."""

    id: UUID
    org_id: UUID
    name: str
    owner_phone: str | None
    notification_channel: str
    fallback_text: str | None
    call_back_text: str | None
    answer_threshold: float


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered, and everything that the answer may use."""

    conversation_id: UUID
    messages: Sequence[Waiting]
    business: Business
    request: ReplyRequest | None


def process_messages(
    message: ProcessMessages, run: Run, *, clock: Clock, composer: Composer, signal: ThreadSignal
) -> Outcome:
    """Answer the contact's unprocessed messages together; a burst of texts gets one reply."""
    with run.scope() as session:
        question = _read(session, message, run, clock)
        if not isinstance(question, Question):
            return question
    reply = None if question.request is None else composer.compose(question.request)
    with run.scope() as session:
        release_thread(session, question.conversation_id, run)
        # A switch may have been thrown while the reply was composed. A text passes the gate once more when it is sent.
        snapshot = _snapshot(session, message, clock)
        decision = _decide(session, Guard.CAN_PROCESS_CUSTOMER_MESSAGE, snapshot, question.messages)
        if decision.block == "hard":
            return _suppress(session, run, question.messages, f"The gate blocked the reply: {decision.reason}")
        answer = _answer(question, decision, message, reply if decision.allowed else None)
        store_answer(session, answer, question.messages, clock=clock)
        outcome = run.finish(session, Done(answer.note))
    signal.changed(question.conversation_id)
    return outcome


def _read(session: Session, message: ProcessMessages, run: Run, clock: Clock) -> Question | Outcome:
    conversation_id = take_thread(session, message, run)
    if conversation_id is None:
        return run.finish(session, Snooze(clock.now() + HELD_PAUSE, "Another job is answering this conversation."))
    waiting = apply_keywords(session, message, run.org_id, waiting_messages(session, message, conversation_id))
    if not waiting:
        release_thread(session, conversation_id, run)
        return run.finish(session, Done("Nothing was left to answer."))
    snapshot = _snapshot(session, message, clock)
    decision = _decide(session, Guard.CAN_PROCESS_CUSTOMER_MESSAGE, snapshot, waiting)
    if decision.block == "hard":
        release_thread(session, conversation_id, run)
        return _suppress(session, run, waiting, f"The gate blocked the reply: {decision.reason}")
    if message.channel == "sms" and not is_e164(message.address):
        release_thread(session, conversation_id, run)
        return _suppress(session, run, waiting, "Its sender has no telephone number that could be written to.")
    business = _business(session, message.client_id)
    if decision.block:
        return Question(conversation_id, waiting, business, None)
    booking_url = None
    if snapshot.booking_mode == "redirect":
        booking = _decide(session, Guard.CAN_PROCESS_BOOKING_REQUEST, snapshot, waiting)
        booking_url = snapshot.booking_url if booking.allowed else None
    request = _request(session, business, conversation_id, waiting, booking_url)
    return Question(conversation_id, waiting, business, request)


def _suppress(session: Session, run: Run, messages: Sequence[Waiting], reason: str) -> Outcome:
    mark_processed(session, messages, "suppressed")
    return run.finish(session, Cancel(reason))


def _snapshot(session: Session, message: ProcessMessages, clock: Clock) -> Snapshot:
    opted_out = message.channel == "sms" and is_opted_out(session, message.client_id, "sms", message.address)
    return load_snapshot(session, message.client_id, now=clock.now(), recipient_opted_out=opted_out, direct_reply=True)


def _decide(session: Session, guard: Guard, snapshot: Snapshot, waiting: Sequence[Waiting]) -> Decision:
    last = waiting[-1]
    return decide(session, guard, snapshot, subject=f"message:{last.id}", correlation_id=last.correlation_id)


def _business(session: Session, client_id: UUID) -> Business:
    row: tuple[Any, ...] | None = (
        raw_connection(session).execute(_BUSINESS, {"id": client_id, "threshold": DEFAULT_THRESHOLD}).fetchone()
    )
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
        threshold=business.answer_threshold,
        call_back_text=business.call_back_text,
        booking_url=booking_url,
    )


def _answer(question: Question, decision: Decision, message: ProcessMessages, reply: ComposedReply | None) -> Answer:
    business, last = question.business, question.messages[-1]
    alert_owner = reply is None or reply.kind == "call_back"
    return Answer(
        org_id=business.org_id,
        client_id=business.id,
        conversation_id=question.conversation_id,
        channel=message.channel,
        address=message.address,
        correlation_id=last.correlation_id,
        text=fallback(business.name, business.fallback_text) if reply is None else reply.text,
        by_ai=reply is not None,
        confidence=None if reply is None else reply.confidence,
        sources=() if reply is None else reply.sources,
        note=f"Answered with the fallback text: {decision.reason}" if reply is None else reply.kind,
        alert_to=business.owner_phone if alert_owner and business.notification_channel in {"sms", "both"} else None,
        alert_reason=decision.reason if reply is None else "a call-back was offered",
        client_name=business.name,
    )
