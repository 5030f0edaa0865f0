"""Store an answer: the reply, its delivery and the owner's alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.alerts.policy import Alert, AlertKind
from domain.alerts.raising import raise_alert
from domain.conversations.events import Correspondence, tell_replied
from domain.conversations.messages import Channel
from domain.conversations.thread import Waiting, mark_processed
from domain.conversations.wording import summary
from domain.delivery.request import NewDelivery, request_delivery
from domain.kernel.clock import Clock
from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.statistics.activities import Activity, note

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# Written for psycopg: every message passes here.
_INSERT: Final = """
    INSERT INTO messages (id, org_id, client_id, conversation_id, direction, channel, address, author, body,
                          correlation_id, sources, confidence)
    VALUES (%s, %s, %s, %s, 'out', %s, %s, %s, %s, %s, %s, %s)
"""
Form = Literal["reply", "fallback", "crisis"]
_OUTCOMES: Final[dict[Form, str]] = {"reply": "answered", "fallback": "fallback", "crisis": "crisis"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to the contact. `form` says how it came about: composed, or fixed words of one of two kinds.

    `alert` is what the owner is told of, and `alert_reason` what was done, in a sentence for them.
    """

    org_id: UUID
    client_id: UUID
    conversation_id: UUID
    channel: Channel
    address: str = field(repr=False)
    correlation_id: UUID
    text: str = field(repr=False)
    form: Form
    note: str
    confidence: float | None = None
    sources: Sequence[UUID] = ()
    alert: AlertKind | None = None
    alert_reason: str = ""


def store_answer(session: Session, answer: Answer, messages: Sequence[Waiting], *, clock: Clock) -> UUID:
    """Store the answer in the caller's transaction and return the reply's id."""
    reply_id = new_id()
    raw_connection(session).execute(
        _INSERT,
        (
            reply_id,
            answer.org_id,
            answer.client_id,
            answer.conversation_id,
            answer.channel,
            answer.address,
            "ai" if answer.form == "reply" else "system",
            answer.text,
            answer.correlation_id,
            Jsonb([str(source) for source in answer.sources]),
            answer.confidence,
        ),
    )
    mark_processed(session, messages, _OUTCOMES[answer.form], reply_id)
    note(session, Activity.REPLIED, answer.channel, org_id=answer.org_id, client_id=answer.client_id)
    if answer.channel == "sms":
        request_delivery(
            session,
            NewDelivery(
                org_id=answer.org_id,
                client_id=answer.client_id,
                message_id=reply_id,
                purpose=answer.form,
                channel="sms",
                to_address=answer.address,
                body=answer.text,
                direct_reply=True,
                correlation_id=answer.correlation_id,
            ),
        )
    else:
        whom = Correspondence(answer.org_id, answer.client_id, answer.conversation_id, answer.channel, answer.address)
        tell_replied(session, whom, reply_id, answer.form, answer.text, answer.correlation_id)
    if answer.alert is not None:
        raise_alert(session, alert_about(answer, answer.alert, messages), now=clock.now())
    return reply_id


def alert_about(answer: Answer, kind: AlertKind, messages: Sequence[Waiting]) -> Alert:
    """Return what the owner is told of messages; the same messages are told of once."""
    texts = [one.body for one in messages]
    return Alert(
        org_id=answer.org_id,
        client_id=answer.client_id,
        kind=kind,
        subject=f"message:{messages[-1].id}",
        summary=summary(answer.channel, answer.address, texts, answer.alert_reason),
        conversation_id=answer.conversation_id,
        correlation_id=answer.correlation_id,
    )
