"""The jobs of this capability."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from domain.delivery.policy import SEND_TRIES
from domain.queue.message import Message, job


@job(kind="delivery.send", queue="outbound", max_attempts=SEND_TRIES, time_limit=timedelta(seconds=60))
@dataclass(frozen=True, slots=True)
class SendDelivery(Message):
    """Send one delivery, or find out whether it was sent already."""

    delivery_id: UUID
