"""The guards by name, and what a decision looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Literal

Block = Literal["soft", "hard"]
"""`soft`: reply with a polite fallback, or wait until `Decision.retry_at`. `hard`: send nothing."""

Input = str | bool | None
"""One thing that a guard looked at; times as ISO 8601 in UTC."""

_WEIGHT: Final[Mapping[Block | None, int]] = {None: 0, "soft": 1, "hard": 2}

RULE_VERSION: Final = "3"
"""Raised whenever the same snapshot may get another decision than before, so that old log rows stay explicable."""


class Guard(StrEnum):
    """What may be asked of the gate. The value is the name in `guard_logs` and in the metric's label."""

    ORGANIZATION_ACTIVE = "organization_active"
    NOT_CANCELLED = "not_cancelled"
    BILLING_IN_ORDER = "billing_in_order"
    PLATFORM_OUTBOUND = "platform_outbound"
    PLATFORM_AI = "platform_ai"
    CAN_RESPOND_TO_CUSTOMER = "can_respond_to_customer"
    CAN_SEND_SMS = "can_send_sms"
    CAN_SEND_BOOKING_LINK = "can_send_booking_link"
    CAN_SEND_NOTIFICATION = "can_send_notification"
    SHOULD_USE_AI = "should_use_ai"
    NOT_TAKEN_OVER = "not_taken_over"
    CAN_PROCESS_CUSTOMER_MESSAGE = "can_process_customer_message"
    CAN_PROCESS_BOOKING_REQUEST = "can_process_booking_request"
    CAN_PROCESS_NOTIFICATION_REQUEST = "can_process_notification_request"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of a guard.

    `guard` is the one that was asked; or, when that is made of parts and one of them blocks, the part, and
    `inputs["asked"]` names the whole. `inputs` holds the switches, states and times that were looked at, never a phone
    number, an address or a text. `retry_at` (UTC) is when a soft block that only waits for the clock is over; None when
    time alone doesn't lift the block.
    """

    guard: Guard
    allowed: bool
    block: Block | None
    reason: str
    inputs: Mapping[str, Input] = field(default_factory=dict)
    rule_version: str = RULE_VERSION
    retry_at: datetime | None = None

    @property
    def outcome(self) -> Literal["allow", "soft", "hard"]:
        """The decision in one word, as counted by the metric."""
        return self.block or "allow"


def allow(guard: Guard, reason: str, inputs: Mapping[str, Input]) -> Decision:
    """Return a decision that lets the matter pass."""
    return Decision(guard=guard, allowed=True, block=None, reason=reason, inputs=inputs)


def block(guard: Guard, weight: Block, reason: str, inputs: Mapping[str, Input]) -> Decision:
    """Return a decision that stops the matter."""
    return Decision(guard=guard, allowed=False, block=weight, reason=reason, inputs=inputs)


def first_block(asked: Guard, parts: Sequence[Decision]) -> Decision:
    """Combine parts: the first hard block, else the first soft one, else allow; with the inputs of all of them."""
    inputs: dict[str, Input] = {}
    for part in parts:
        inputs.update(part.inputs)
    heaviest = max(parts, key=lambda part: _WEIGHT[part.block])  # the first of equals
    if heaviest.allowed:
        return allow(asked, "Nothing stands in the way.", inputs)
    if heaviest.guard is not asked:
        inputs["asked"] = asked.value
    return replace(heaviest, inputs=inputs)


def in_utc(at: datetime | None) -> str | None:
    """Return an instant as an input of a decision."""
    return None if at is None else at.astimezone(UTC).isoformat()
