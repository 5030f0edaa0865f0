"""The queues, in the order in which a busy worker prefers them."""

from __future__ import annotations

from typing import Final, Literal, get_args

QueueName = Literal["inbound", "outbound", "default", "bulk", "maintenance"]
QUEUES: Final[tuple[QueueName, ...]] = get_args(QueueName)

State = Literal["scheduled", "available", "executing", "retryable", "completed", "cancelled", "dead"]
LIVE_STATES: Final[tuple[State, ...]] = ("scheduled", "available", "executing", "retryable")
