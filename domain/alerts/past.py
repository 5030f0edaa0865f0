"""How the ways to an owner did so far: read from the newest messages to owners alone, however many customers got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, LiteralString
from uuid import UUID

from domain.alerts.policy import CHANNELS, Channel
from domain.kernel.database import raw_connection

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

STRETCH: Final = 1_000
"""Messages to an owner by one channel that are looked through; what is older says nothing about today."""
_ARRIVED: Final = ("accepted", "sent", "delivered")
_FAILED: Final = ("failed", "undelivered")
# The purposes are written out, so that the index of messages to owners can be used.
NEWEST_TO_OWNERS: Final[LiteralString] = """
    unnest(%(clients)s::uuid[]) AS whose (id)
    CROSS JOIN unnest(%(channels)s::text[]) AS way (channel)
    CROSS JOIN unnest(%(wanted)s::text[]) AS wanted (it)
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT id, created_at, updated_at, purpose, state, error_text FROM deliveries
            WHERE client_id = whose.id AND channel = way.channel AND purpose IN ('owner_alert', 'test')
            ORDER BY id DESC LIMIT %(stretch)s
        ) AS newest
        WHERE CASE wanted.it WHEN 'arrived' THEN state = ANY (%(arrived)s)
                             WHEN 'failed' THEN state = ANY (%(failed)s)
                             ELSE purpose = 'test' END
        ORDER BY id DESC LIMIT 1
    ) AS last
"""
"""The newest message to each client's owner by each channel that arrived, failed, or was a test."""
_PAST: Final = f"""
    SELECT whose.id, way.channel, wanted.it, last.updated_at, last.error_text FROM {NEWEST_TO_OWNERS}
"""  # noqa: S608  # a constant


@dataclass(frozen=True, slots=True)
class ChannelPast:
    """When a channel last carried a message to the owner, and when it last failed to, and why."""

    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_failure: str | None = None


def parameters(clients: Iterable[UUID], *wanted: str) -> Mapping[str, object]:
    """Return the parameters of NEWEST_TO_OWNERS."""
    return {
        "clients": list(clients),
        "channels": list(CHANNELS),
        "wanted": list(wanted),
        "stretch": STRETCH,
        "arrived": list(_ARRIVED),
        "failed": list(_FAILED),
    }


def past_of(session: Session, clients: Iterable[UUID]) -> Mapping[UUID, Mapping[Channel, ChannelPast]]:
    """Return how the channels of some clients did so far, whatever the owner's address was then: one statement."""
    ids = list(clients)
    session.flush()
    rows = raw_connection(session).execute(_PAST, parameters(ids, "arrived", "failed")).fetchall()
    found = {(client_id, channel, it): (at, error) for client_id, channel, it, at, error in rows}
    nothing = (None, None)
    return {
        client_id: {
            channel: ChannelPast(
                found.get((client_id, channel, "arrived"), nothing)[0],
                *found.get((client_id, channel, "failed"), nothing),
            )
            for channel in CHANNELS
        }
        for client_id in ids
    }
