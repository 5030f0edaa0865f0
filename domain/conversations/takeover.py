"""A person answers in place of the AI: what they write is sent, and the conversation is theirs for a while.

The conversation's row is locked first. A reply that is being composed asks for the same row before it is stored, so it
is either stored before the person's and stopped when it is to be sent, or discarded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from domain.audit.record import Act, Actor, record
from domain.clients.numbers import is_e164
from domain.conversations.events import Correspondence, tell_replied
from domain.conversations.start import KeyReusedError
from domain.delivery.opt_outs import is_opted_out
from domain.delivery.request import NewDelivery, request_delivery
from domain.flags.definitions import TAKEOVER_MINUTES
from domain.flags.inforce import flags_of, whole
from domain.gate.decide import decide
from domain.gate.guards import Guard
from domain.gate.snapshot import load_snapshot
from domain.kernel.clock import Clock
from domain.kernel.database import raw_connection
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.ids import new_id
from domain.statistics.activities import Activity, note
from domain.webhooks.emit import emit
from domain.webhooks.events import EventType

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TEXT_LIMIT: Final = 1_600

# In the order of the fields of `Held`. The last thing the contact wrote is what a person's reply belongs to.
_HOLD: Final = """
    SELECT v.id, v.org_id, v.client_id, v.channel, c.address, v.taken_over_until, v.taken_over_by,
           s.takeover_minutes,
           (SELECT m.correlation_id FROM messages m WHERE m.conversation_id = v.id AND m.direction = 'in'
            ORDER BY m.id DESC LIMIT 1)
    FROM conversations v
    JOIN contacts c ON c.id = v.contact_id
    LEFT JOIN client_settings s ON s.client_id = v.client_id
    WHERE v.id = %(id)s
    FOR UPDATE OF v
"""
_REPEATED: Final = """
    SELECT m.id, m.body, (SELECT d.id FROM deliveries d WHERE d.message_id = m.id)
    FROM messages m WHERE m.client_id = %s AND m.external_id = %s
"""
_STORE: Final = """
    INSERT INTO messages (id, org_id, client_id, conversation_id, direction, channel, address, author, body,
                          external_id, correlation_id, came_by)
    VALUES (%s, %s, %s, %s, 'out', %s, %s, 'person', %s, %s, %s, 'person')
"""
_TAKE_OVER: Final = """
    UPDATE conversations SET taken_over_until = %s, taken_over_by = %s, last_message_at = now() WHERE id = %s
"""
_GIVE_BACK: Final = "UPDATE conversations SET taken_over_until = NULL, taken_over_by = NULL WHERE id = %s"


class ConversationNotFoundError(NotFoundError):
    """There is no such conversation in this organization."""


class UnwritableError(InvalidInputError):
    """The contact has no telephone number that could be written to."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who answers: for the audit log the actor, for the conversation a name and whether it is the owner's own."""

    actor: Actor
    author: Literal["operator", "owner"] = "operator"
    name: str | None = None

    @property
    def label(self) -> str:
        """How the conversation names this person."""
        return f"{self.author}: {self.name or self.actor.name}"


@dataclass(frozen=True, slots=True)
class Replied:
    """A person's reply that is stored. `delivery_id` is None in a web chat, which shows it at once."""

    message_id: UUID
    delivery_id: UUID | None
    taken_over_until: datetime | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the gate did not let the person's reply pass. Nothing was stored but the decision."""

    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation whose row is locked. `minutes`: how long the client wants a takeover to last, if it says so."""

    id: UUID
    org_id: UUID
    client_id: UUID
    channel: Literal["sms", "web"]
    address: str = field(repr=False)
    taken_over_until: datetime | None
    taken_over_by: str | None
    minutes: int | None
    correlation_id: UUID | None


def reply_as_person(
    session: Session, conversation_id: UUID, text: str, by: Person, *, clock: Clock, key: str | None = None
) -> Replied | Refused:
    """Send a person's reply, or show it in the web chat, and keep the AI silent for the client's `takeover_minutes`.

    A repeat with the same `key` changes nothing and returns what the first one did. An opt-out and the kill switches
    win over a person too. Raises ConversationNotFoundError, UnwritableError, KeyReusedError (the key came with another
    text), and InvalidInputError for an empty or too long text.
    """
    body = _checked(text)
    held = _hold(session, conversation_id)
    external_id = None if key is None else f"person:{held.id}:{key}"
    before = _repeated(session, held, external_id, body)
    if before is not None:
        return before
    if held.channel == "sms" and not is_e164(held.address):
        raise UnwritableError
    message_id, correlation_id = new_id(), held.correlation_id or new_id()
    refused = _ask_gate(session, held, message_id, correlation_id, clock.now())
    if refused is not None:
        return refused
    identity = (message_id, held.org_id, held.client_id, held.id, held.channel, held.address)
    raw_connection(session).execute(_STORE, (*identity, body, external_id, correlation_id))
    note(session, Activity.REPLIED, held.channel, org_id=held.org_id, client_id=held.client_id)
    delivery_id = _leave(session, held, message_id, correlation_id, body)
    until = _take_over(session, held, by, correlation_id, clock.now())
    _record(session, held, by, "conversation.reply", {"message_id": str(message_id), "until": until.isoformat()})
    return Replied(message_id, delivery_id, until)


def release(session: Session, conversation_id: UUID, by: Person, *, clock: Clock) -> bool:
    """Give a conversation back to the AI, which answers from the next message on; False when it had it already.

    What came in meanwhile stays left to the person. Raises ConversationNotFoundError.
    """
    held = _hold(session, conversation_id)
    raw_connection(session).execute(_GIVE_BACK, [held.id])
    was_held = held.taken_over_until is not None and held.taken_over_until > clock.now()
    if was_held:
        _record(session, held, by, "conversation.release", {})
    return was_held


def _checked(text: str) -> str:
    body = text.replace("\x00", "").strip()
    if not body:
        raise InvalidInputError("The text is empty.")
    if len(body) > TEXT_LIMIT:
        raise InvalidInputError(f"The text has {len(body)} characters; it may have {TEXT_LIMIT}.")
    return body


def _hold(session: Session, conversation_id: UUID) -> Held:
    session.flush()
    row: tuple[Any, ...] | None = raw_connection(session).execute(_HOLD, {"id": conversation_id}).fetchone()
    if row is None:
        raise ConversationNotFoundError
    return Held(*row)


def _repeated(session: Session, held: Held, external_id: str | None, body: str) -> Replied | None:
    if external_id is None:
        return None
    row: tuple[UUID, str, UUID | None] | None = (
        raw_connection(session).execute(_REPEATED, (held.client_id, external_id)).fetchone()
    )
    if row is None:
        return None
    if row[1] != body:
        raise KeyReusedError
    return Replied(row[0], row[2], held.taken_over_until)


def _ask_gate(session: Session, held: Held, message_id: UUID, correlation_id: UUID, now: datetime) -> Refused | None:
    # A person decides for themselves whether the hour is one to write at.
    snapshot = load_snapshot(
        session,
        held.client_id,
        now=now,
        recipient_opted_out=held.channel == "sms" and is_opted_out(session, held.client_id, "sms", held.address),
        direct_reply=True,
    )
    decision = decide(
        session, Guard.CAN_SEND_SMS, snapshot, subject=f"message:{message_id}", correlation_id=correlation_id
    )
    return None if decision.allowed else Refused(decision.reason)


def _leave(session: Session, held: Held, message_id: UUID, correlation_id: UUID, body: str) -> UUID | None:
    """Request the delivery of a text and return its id; a web chat has the reply with the commit."""
    if held.channel == "sms":
        return _request(session, held, message_id, correlation_id, body)
    whom = Correspondence(held.org_id, held.client_id, held.id, held.channel, held.address)
    tell_replied(session, whom, message_id, "person", body, correlation_id)
    return None


def _request(session: Session, held: Held, message_id: UUID, correlation_id: UUID, body: str) -> UUID:
    return request_delivery(
        session,
        NewDelivery(
            org_id=held.org_id,
            client_id=held.client_id,
            message_id=message_id,
            purpose="person",
            channel="sms",
            to_address=held.address,
            body=body,
            direct_reply=True,
            correlation_id=correlation_id,
        ),
    )


def _take_over(session: Session, held: Held, by: Person, correlation_id: UUID, now: datetime) -> datetime:
    """Make the conversation the person's for the client's time from now on; a longer takeover stays as it is."""
    minutes = held.minutes
    if minutes is None:
        minutes = whole(flags_of(session), TAKEOVER_MINUTES, org_id=held.org_id, client_id=held.client_id)
    until = now + timedelta(minutes=minutes)
    if held.taken_over_until is not None:
        until = max(until, held.taken_over_until)
    raw_connection(session).execute(_TAKE_OVER, (until, by.label, held.id))
    if held.taken_over_until is None or held.taken_over_until <= now:
        payload = {"conversation_id": str(held.id), "by": by.author, "until": until.isoformat()}
        emit(
            session,
            EventType.CONVERSATION_TAKEN_OVER,
            payload,
            org_id=held.org_id,
            client_id=held.client_id,
            correlation_id=correlation_id,
        )
    return until


def _record(session: Session, held: Held, by: Person, action: str, after: dict[str, object]) -> None:
    act = Act(
        action,
        "conversation",
        str(held.id),
        before={"taken_over_by": held.taken_over_by},
        after={**after, "author": by.author} if after else {"author": by.author},
        org_id=held.org_id,
        client_id=held.client_id,
    )
    record(session, by.actor, act)
