"""The jobs of this capability."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.queue.message import Message, job
from domain.webhooks.policy import SEND_TRIES


# Not "outbound": a receiver that hangs must not take the places of text messages.
@job(kind="webhooks.send", queue="default", max_attempts=SEND_TRIES, priority=200, time_limit=timedelta(seconds=60))
@dataclass(frozen=True, slots=True)
class SendWebhook(Message):
    """Tell one endpoint of one event."""

    send_id: UUID


@job(kind="webhooks.reseal", queue="maintenance", max_attempts=3, time_limit=timedelta(minutes=30))
@dataclass(frozen=True, slots=True)
class ResealSecrets(Message):
    """Seal with the present secret key what the one before it sealed, people's second factors as well."""


@job(kind="webhooks.replay", queue="bulk", max_attempts=5, time_limit=timedelta(minutes=5))
@dataclass(frozen=True, slots=True)
class ReplayEvents(Message):
    """Send the events of a time again to one endpoint; see `domain.webhooks.replay.Range`.

    `asked_at` is the database's time: what was sent since then is not sent once more.
    """

    endpoint_id: UUID
    start: datetime
    end: datetime
    types: tuple[str, ...]
    only_missed: bool
    asked_at: datetime
