"""The messages that came in, newest first, for operators who look for one.

A list reads the index of what came in to its organization or its clients; what it is narrowed to besides is looked for
in a stretch of that (`domain.kernel.looking`). The messages from one number are found by their conversations.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import literal, select

from domain.clients.models import Client
from domain.conversations import journey_words as words
from domain.conversations.journey_words import Tone
from domain.conversations.models import Contact, Conversation, ThreadMessage
from domain.delivery.models import Delivery
from domain.kernel.looking import Found, Span, clients_in_scope, look

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

WAITING: Final = "waiting"
"""Stands for the outcome of a message that has none yet."""
OUTCOMES: Final[Mapping[str, tuple[str, Tone]]] = {
    WAITING: ("not answered yet", "waiting"),
    "answered": ("answered", "good"),
    "fallback": ("got the fallback text", "limited"),
    "suppressed": ("no reply was made", "bad"),
    "opted_out": ("opted out", "plain"),
    "opted_in": ("opted in", "plain"),
    "help": ("asked for help", "plain"),
    "left_to_person": ("left to a person", "plain"),
    "came_late": ("came too late for a reply", "limited"),
    "crisis": ("got advice for an emergency", "limited"),
}
_BAD_ENDS: Final = frozenset({"failed", "undelivered", "cancelled"})


@dataclass(frozen=True, slots=True)
class Which:
    """Which messages are meant: those that fit all that is set. `outcome`: one of OUTCOMES.

    `text` stands somewhere in what the contact wrote, upper or lower case. `number`: whose texts, in E.164.
    """

    client_id: UUID | None = None
    org_id: UUID | None = None
    outcome: str | None = None
    text: str | None = field(default=None, repr=False)
    number: str | None = field(default=None, repr=False)
    span: Span = field(default_factory=Span)

    def indexed(self, table: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401 - the table or an alias of it
        """Return what an index finds."""
        # Written out: an index of what came in is of no use to a statement that may mean what went out.
        conditions = [table.direction == literal("in", literal_execute=True), *self.span.conditions(table)]
        if self.org_id is not None:
            conditions.append(table.org_id == self.org_id)
        return conditions

    def narrowing(self, table: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401 - as above
        """Return what has to be looked for."""
        conditions = []
        if self.outcome == WAITING:
            conditions.append(table.processed_at.is_(None))
        elif self.outcome is not None:
            conditions.append(table.outcome == self.outcome)
        if self.text is not None:
            conditions.append(table.body.icontains(self.text, autoescape=True))
        return conditions


@dataclass(frozen=True, slots=True)
class RecentMessage:
    """A message that came in. `sender` names a number by its last two digits; `sent`: how its answer fared, if sent."""

    id: UUID
    correlation_id: UUID
    received_at: datetime
    client_name: str
    sender: str
    outcome: str
    tone: Tone
    sent: str
    text: str = field(repr=False)


def recent_messages(
    session: Session, which: Which, *, limit: int, before_id: UUID | None = None
) -> Found[RecentMessage]:
    """Return messages of this scope, newest first, that are older than `before_id`."""
    clients = clients_in_scope(session, which.client_id)
    if which.number is not None:
        found = _from_number(session, which, clients, limit, before_id)
    else:
        found = look(
            session,
            ThreadMessage,
            indexed=which.indexed,
            narrowing=which.narrowing,
            of=clients,
            limit=limit,
            before_id=before_id,
        )
    return Found(_told(session, found.rows), found.next_id, found.looked_until)


def _from_number(
    session: Session, which: Which, clients: Collection[UUID] | None, limit: int, before_id: UUID | None
) -> Found[ThreadMessage]:
    found = look(
        session,
        ThreadMessage,
        indexed=which.indexed,
        narrowing=which.narrowing,
        of=session.scalars(_conversations_with(which, clients)).all(),
        by="conversation_id",
        limit=limit,
        before_id=before_id,
    )
    if before_id is not None:
        return found
    # What nobody has looked at yet is in no conversation, and newer than what is. Of those there are few.
    table = ThreadMessage
    waiting = select(table).where(
        *which.indexed(table),
        *which.narrowing(table),
        *_of(table, clients),
        table.channel == "sms",
        table.address == which.number,
        table.processed_at.is_(None),
        table.conversation_id.is_(None),
    )
    rows = session.scalars(waiting.order_by(table.id.desc()).limit(limit)).all()
    return replace(found, rows=[*rows, *found.rows])


def _conversations_with(which: Which, clients: Collection[UUID] | None) -> Select[UUID]:
    """Return the conversations with a number, which has one with each business that it wrote to."""
    sms = Contact.channel == literal("sms", literal_execute=True)
    query = select(Conversation.id).join(Contact, Contact.id == Conversation.contact_id)
    query = query.where(sms, Contact.address == which.number, *_of(Contact, clients))
    return query if which.org_id is None else query.where(Contact.org_id == which.org_id)


def _of(table: Any, clients: Collection[UUID] | None) -> list[ColumnElement[bool]]:  # noqa: ANN401 - as above
    return [] if clients is None else [table.client_id.in_(clients)]


def _told(session: Session, rows: Sequence[ThreadMessage]) -> Sequence[RecentMessage]:
    ids, answers = {row.client_id for row in rows}, {row.answered_by for row in rows} - {None}
    clients = session.execute(select(Client.id, Client.name).where(Client.id.in_(ids)))
    names: dict[UUID, str] = {client_id: name for client_id, name in clients}  # noqa: C416  # a row is no pair to mypy
    sends = session.execute(select(Delivery.message_id, Delivery.state).where(Delivery.message_id.in_(answers)))
    sent = {message_id: state for message_id, state in sends}  # noqa: C416  # as above
    return [_message(row, names.get(row.client_id, ""), sent.get(row.answered_by)) for row in rows]


def _message(row: ThreadMessage, client_name: str, sent: str | None) -> RecentMessage:
    outcome, tone = OUTCOMES.get(row.outcome or WAITING, (row.outcome or "", "plain"))
    sms = row.channel == "sms"
    return RecentMessage(
        row.id,
        row.correlation_id,
        row.received_at,
        client_name,
        f"a number ending in {row.address[-2:]}" if sms else "a visitor of the web chat",
        outcome,
        "bad" if sent in _BAD_ENDS else tone,
        words.DELIVERY_STATES.get(sent or "", ("", "plain"))[0],
        row.body,
    )
