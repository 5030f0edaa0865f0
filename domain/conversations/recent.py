"""The messages that came in last, for operators who look for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from domain.clients.models import Client
from domain.conversations.journey_words import Tone
from domain.conversations.models import ThreadMessage

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LIMIT: Final = 25

_OUTCOMES: Final[dict[str | None, tuple[str, Tone]]] = {
    None: ("not answered yet", "waiting"),
    "answered": ("answered", "good"),
    "fallback": ("got the fallback text", "limited"),
    "suppressed": ("no reply was made", "bad"),
    "opted_out": ("opted out", "plain"),
    "opted_in": ("opted in", "plain"),
    "help": ("asked for help", "plain"),
    "left_to_person": ("left to a person", "plain"),
    "crisis": ("got advice for an emergency", "limited"),
}


@dataclass(frozen=True, slots=True)
class RecentMessage:
    """A message without its text. `sender` names a number by its last two digits."""

    correlation_id: UUID
    received_at: datetime
    client_name: str
    sender: str
    outcome: str
    tone: Tone


def recent_messages(session: Session) -> Sequence[RecentMessage]:
    """Return the last messages of this scope, newest first."""
    rows = session.execute(
        select(
            ThreadMessage.correlation_id,
            ThreadMessage.received_at,
            Client.name,
            ThreadMessage.channel,
            ThreadMessage.address,
            ThreadMessage.outcome,
        )
        .join(Client, Client.id == ThreadMessage.client_id)
        .where(ThreadMessage.direction == "in")
        .order_by(ThreadMessage.id.desc())
        .limit(LIMIT)
    ).all()
    return [
        RecentMessage(
            correlation_id,
            received_at,
            name,
            f"a number ending in {address[-2:]}" if channel == "sms" else "a visitor of the web chat",
            *_OUTCOMES.get(outcome, (outcome or "", "plain")),
        )
        for correlation_id, received_at, name, channel, address, outcome in rows
    ]
