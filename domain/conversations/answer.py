"""Store an answer: the reply, its delivery and the owner's alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.conversations.messages import Channel
from domain.conversations.thread import Waiting, mark_processed
from domain.conversations.wording import owner_alert
from domain.delivery.request import NewDelivery, request_delivery
from domain.gate.decide import decide
from domain.gate.guards import Guard
from domain.gate.snapshot import load_snapshot
from domain.kernel.clock import Clock
from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# Written for psycopg: every message passes here.
_INSERT: Final = """
    INSERT INTO messages (id, org_id, client_id, conversation_id, direction, channel, address, author, body,
                          correlation_id, sources, confidence)
    VALUES (%s, %s, %s, %s, 'out', %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to the contact, and whether the owner is told. `alert_to` is the owner's number, E.164."""

    org_id: UUID
    client_id: UUID
    client_name: str
    conversation_id: UUID
    channel: Channel
    address: str = field(repr=False)
    correlation_id: UUID
    text: str = field(repr=False)
    by_ai: bool
    confidence: float | None
    sources: Sequence[UUID]
    note: str
    alert_to: str | None = field(repr=False)
    alert_reason: str


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
            "ai" if answer.by_ai else "system",
            answer.text,
            answer.correlation_id,
            Jsonb([str(source) for source in answer.sources]),
            answer.confidence,
        ),
    )
    mark_processed(session, messages, "answered" if answer.by_ai else "fallback", reply_id)
    if answer.channel == "sms":
        request_delivery(
            session,
            NewDelivery(
                org_id=answer.org_id,
                client_id=answer.client_id,
                message_id=reply_id,
                purpose="reply" if answer.by_ai else "fallback",
                channel="sms",
                to_address=answer.address,
                body=answer.text,
                direct_reply=True,
                correlation_id=answer.correlation_id,
            ),
        )
    if answer.alert_to is not None:
        _alert_owner(session, answer, answer.alert_to, messages, clock)
    return reply_id


def _alert_owner(session: Session, answer: Answer, to: str, messages: Sequence[Waiting], clock: Clock) -> None:
    snapshot = load_snapshot(session, answer.client_id, now=clock.now())
    decision = decide(
        session,
        Guard.CAN_PROCESS_NOTIFICATION_REQUEST,
        snapshot,
        subject=f"conversation:{answer.conversation_id}",
        correlation_id=answer.correlation_id,
    )
    if not decision.allowed:
        return
    text = " ".join(one.body for one in messages)
    request_delivery(
        session,
        NewDelivery(
            org_id=answer.org_id,
            client_id=answer.client_id,
            purpose="owner_alert",
            channel="sms",
            to_address=to,
            body=owner_alert(answer.client_name, answer.channel, answer.address, answer.alert_reason, text),
            correlation_id=answer.correlation_id,
        ),
    )
