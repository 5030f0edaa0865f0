"""Answer somebody who may be in danger: fixed words at once, and the owner is told at once. Nothing is composed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.alerts.policy import AlertKind
from domain.alerts.raising import raise_alert
from domain.clients.numbers import is_e164
from domain.conversations.answer import Answer, alert_about, store_answer
from domain.conversations.messages import ProcessMessages
from domain.conversations.thread import Waiting, mark_processed
from domain.conversations.wording import emergency_advice
from domain.gate.decide import decide
from domain.gate.guards import Guard
from domain.gate.snapshot import Snapshot
from domain.kernel.clock import Clock
from domain.kernel.database import raw_connection
from domain.replies.crisis import tells_of_danger

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

NOTE: Final = "Somebody may be in danger: advice for an emergency was sent and an urgent alert raised."
_BUSINESS: Final = "SELECT name, sms_number FROM clients WHERE id = %s"


def in_danger(waiting: Sequence[Waiting]) -> bool:
    """Return whether any of the messages says that somebody may be in danger."""
    return any(tells_of_danger(one.body) for one in waiting)


def answer_danger(
    session: Session,
    message: ProcessMessages,
    conversation_id: UUID,
    waiting: Sequence[Waiting],
    snapshot: Snapshot,
    *,
    clock: Clock,
) -> str:
    """Send advice for an emergency and alert the owner; return what was done, for the journey.

    A kill switch and an opt-out still win over the advice, but not over the alert. A person who is answering the
    conversation doesn't: the words are fixed, and that person may be away.
    """
    last = waiting[-1]
    decision = decide(
        session, Guard.CAN_SEND_SMS, snapshot, subject=f"message:{last.id}", correlation_id=last.correlation_id
    )
    reachable = message.channel == "web" or is_e164(message.address)
    advised = decision.block != "hard" and reachable
    name, number = _business(session, message.client_id)
    answer = Answer(
        org_id=snapshot.org_id,
        client_id=message.client_id,
        conversation_id=conversation_id,
        channel=message.channel,
        address=message.address,
        correlation_id=last.correlation_id,
        text=emergency_advice(name, message.address if message.channel == "sms" and reachable else number),
        form="crisis",
        note=NOTE,
        alert=AlertKind.CRISIS,
        alert_reason="They were told whom to call in an emergency." if advised else "They got no reply.",
    )
    if advised:
        store_answer(session, answer, waiting, clock=clock)
        return NOTE
    mark_processed(session, waiting, "suppressed")
    raise_alert(session, alert_about(answer, AlertKind.CRISIS, waiting), now=clock.now())
    reason = decision.reason if reachable else "Its sender has no telephone number that could be written to."
    return f"Somebody may be in danger: an urgent alert was raised. No advice was sent: {reason}"


def _business(session: Session, client_id: UUID) -> tuple[str, str | None]:
    row: tuple[str, str | None] | None = raw_connection(session).execute(_BUSINESS, [client_id]).fetchone()
    return row or ("us", None)
