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
    """Send one delivery, or find out whether it was sent already.

    `only_look`: its first job was cancelled, so if an attempt is found not to have been sent, it is not sent again.
    """

    delivery_id: UUID
    only_look: bool = False


@job(kind="delivery.failed", queue="default", max_attempts=10)
@dataclass(frozen=True, slots=True)
class DeliveryFailed(Message):
    """A delivery ended without reaching anyone, and nothing more is tried: whoever has to know is told.

    Enqueued in the transaction that ends it as failed, undelivered, or cancelled because its time was over. An alert
    that failed is told of too: it may go by another channel, and about it no owner is alerted.
    """

    delivery_id: UUID


@job(kind="delivery.sender_refused", queue="default", max_attempts=10)
@dataclass(frozen=True, slots=True)
class SenderRefused(Message):
    """The provider began to refuse a client's sender or account; what it would send waits."""

    flag_id: UUID


@job(kind="delivery.poll", queue="maintenance", time_limit=timedelta(minutes=5))
@dataclass(frozen=True, slots=True)
class PollDeliveries(Message):
    """Ask providers about messages of which they reported no end for long."""


@job(kind="delivery.sweep", queue="maintenance", time_limit=timedelta(minutes=5))
@dataclass(frozen=True, slots=True)
class SweepDeliveries(Message):
    """End deliveries whose job was cancelled or discarded."""
