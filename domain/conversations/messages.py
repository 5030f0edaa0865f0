"""The jobs of this capability."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from domain.queue.message import Message, job

Channel = Literal["sms", "web"]
PROCESS: Final = "conversations.process"


@job(kind=PROCESS, queue="inbound", max_attempts=8)
@dataclass(frozen=True, slots=True)
class ProcessMessages(Message):
    """Answer what this contact of this client wrote and nobody has looked at yet."""

    client_id: UUID
    channel: Channel
    address: str


@job(kind="conversations.recover_inbound", queue="maintenance", max_attempts=3, time_limit=timedelta(minutes=30))
@dataclass(frozen=True, slots=True)
class RecoverInbound(Message):
    """Look through the provider's lists for texts that never reached us, for every client with a number."""
