"""Answer what a contact wrote: consent first, then danger, then the gate, then the reply.

Two transactions around composing, which may call a model: the first takes the conversation's lease and reads everything
that the reply needs; the second stores the reply, its delivery, the owner's alert and the end of the job together. It
is the last gate of a chat: what a person has taken over by then is discarded, whatever was composed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.alerts.policy import AlertKind
from domain.clients.numbers import is_e164
from domain.conversations.answer import Answer, store_answer
from domain.conversations.consent import apply_keywords
from domain.conversations.danger import answer_danger, in_danger
from domain.conversations.events import Correspondence, tell_call_back, tell_received
from domain.conversations.late import set_late_aside
from domain.conversations.messages import ProcessMessages
from domain.conversations.ports import ThreadSignal
from domain.conversations.question import Question, ask, decide_on
from domain.conversations.thread import (
    Thread,
    Waiting,
    mark_processed,
    release_thread,
    take_thread,
    waiting_messages,
)
from domain.conversations.wording import fallback
from domain.delivery.opt_outs import is_opted_out
from domain.gate.guards import Decision, Guard
from domain.gate.snapshot import Snapshot, load_snapshot
from domain.kernel.clock import Clock
from domain.queue.outcome import Cancel, Done, Outcome, Snooze
from domain.queue.run import Run
from domain.replies.ports import ComposedReply, Composer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LEFT_TO_PERSON: Final = "left_to_person"
"""What became of a message that came in while a person answers: it stays theirs, also when the takeover is over."""
HELD_PAUSE: Final = timedelta(milliseconds=250)


@dataclass(frozen=True, slots=True)
class Said:
    """The run ended with fixed words, which open chat windows don't show yet."""

    conversation_id: UUID
    outcome: Outcome


def process_messages(
    message: ProcessMessages, run: Run, *, clock: Clock, composer: Composer, signal: ThreadSignal
) -> Outcome:
    """Answer the contact's unprocessed messages together; a burst of texts gets one reply."""
    with run.scope() as session:
        question = _read(session, message, run, clock)
    if isinstance(question, Said):
        signal.changed(question.conversation_id)
        return question.outcome
    if not isinstance(question, Question):
        return question
    reply = None if question.request is None else composer.compose(question.request)
    with run.scope() as session:
        thread = release_thread(session, question.conversation_id, run)
        # A switch may have been thrown while the reply was composed. A text passes the gate once more when it is sent.
        snapshot = _snapshot(session, message, thread, clock)
        decision = decide_on(session, Guard.CAN_PROCESS_CUSTOMER_MESSAGE, snapshot, question.messages)
        if decision.block == "hard":
            return _leave(session, message, run, thread, question.messages, decision)
        answer = _answer(question, decision, message, reply if decision.allowed else None)
        store_answer(session, answer, question.messages, clock=clock)
        if question.business.has_endpoints:
            _tell(session, message, run, answer, question.messages)
        outcome = run.finish(session, Done(answer.note))
    signal.changed(question.conversation_id)
    return outcome


def _read(session: Session, message: ProcessMessages, run: Run, clock: Clock) -> Question | Said | Outcome:
    thread = take_thread(session, message, run)
    if thread is None:
        return run.finish(session, Snooze(clock.now() + HELD_PAUSE, "Another job is answering this conversation."))
    waiting = apply_keywords(session, message, run.org_id, waiting_messages(session, message, thread.id))
    if not waiting:
        release_thread(session, thread.id, run)
        return run.finish(session, Done("Nothing was left to answer."))
    snapshot = _snapshot(session, message, thread, clock)
    if in_danger(waiting):
        release_thread(session, thread.id, run)
        done = answer_danger(session, message, thread.id, waiting, snapshot, clock=clock)
        tell_received(session, _whom(message, run, thread.id), waiting, "crisis")
        return Said(thread.id, run.finish(session, Done(done)))
    waiting = set_late_aside(session, message, run.org_id, waiting, clock.now())
    if not waiting:
        release_thread(session, thread.id, run)
        return run.finish(session, Done("It came too late for an automatic reply; the owner is told."))
    decision = decide_on(session, Guard.CAN_PROCESS_CUSTOMER_MESSAGE, snapshot, waiting)
    if decision.block == "hard" or not _can_be_written_to(message):
        release_thread(session, thread.id, run)
        return _leave(session, message, run, thread, waiting, decision)
    return ask(session, message, thread, waiting, snapshot, decision)


def _leave(
    session: Session,
    message: ProcessMessages,
    run: Run,
    thread: Thread,
    messages: Sequence[Waiting],
    decision: Decision,
) -> Outcome:
    """End the run without an answer: the gate forbids one, or a person gives it."""
    to_person = decision.guard is Guard.NOT_TAKEN_OVER
    outcome = LEFT_TO_PERSON if to_person else "suppressed"
    mark_processed(session, messages, outcome)
    tell_received(session, _whom(message, run, thread.id), messages, outcome)
    if to_person:
        return run.finish(session, Done(f"Left to a person: {decision.reason}"))
    if decision.block == "hard":
        return run.finish(session, Cancel(f"The gate blocked the reply: {decision.reason}"))
    return run.finish(session, Cancel("Its sender has no telephone number that could be written to."))


def _can_be_written_to(message: ProcessMessages) -> bool:
    return message.channel == "web" or is_e164(message.address)


def _tell(session: Session, message: ProcessMessages, run: Run, answer: Answer, messages: Sequence[Waiting]) -> None:
    whom = _whom(message, run, answer.conversation_id)
    tell_received(session, whom, messages, "answered" if answer.form == "reply" else answer.form)
    if answer.alert is AlertKind.CALL_BACK:
        tell_call_back(session, whom, messages[-1])


def _whom(message: ProcessMessages, run: Run, conversation_id: UUID) -> Correspondence:
    return Correspondence(run.org_id, message.client_id, conversation_id, message.channel, message.address)


def _snapshot(session: Session, message: ProcessMessages, thread: Thread, clock: Clock) -> Snapshot:
    return load_snapshot(
        session,
        message.client_id,
        now=clock.now(),
        recipient_opted_out=message.channel == "sms"
        and is_opted_out(session, message.client_id, "sms", message.address),
        direct_reply=True,
        taken_over_until=thread.taken_over_until,
    )


def _answer(question: Question, decision: Decision, message: ProcessMessages, reply: ComposedReply | None) -> Answer:
    business, last = question.business, question.messages[-1]
    call_back = reply is not None and reply.kind == "call_back"
    answer = Answer(
        org_id=business.org_id,
        client_id=business.id,
        conversation_id=question.conversation_id,
        channel=message.channel,
        address=message.address,
        correlation_id=last.correlation_id,
        text=fallback(business.name, business.fallback_text),
        form="fallback",
        note=f"Answered with the fallback text: {decision.reason}",
        alert=AlertKind.FALLBACK,
        alert_reason=f"They got your fallback text: {decision.reason}",
    )
    if reply is None:
        return answer
    return replace(
        answer,
        text=reply.text,
        form="reply",
        note=reply.kind,
        confidence=reply.confidence,
        sources=reply.sources,
        alert=AlertKind.CALL_BACK if call_back else None,
        alert_reason="They were offered a call-back." if call_back else "",
    )
