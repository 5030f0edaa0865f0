"""The flags and settings that this release reads: each stands here, and nowhere else.

`gatehouse migrate` writes them into the table, where operators change them. Operators may add flags of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.flags.ports import Kind, Value, ValueType


@dataclass(frozen=True, slots=True)
class Definition:
    """A flag that code reads: its type, the default, bounds of a number (included), and who reads it."""

    key: str
    kind: Kind
    value_type: ValueType
    default: Value
    about: str
    read_by: str
    least: float | None = None
    most: float | None = None


OUTBOUND_STOPPED: Final = Definition(
    "platform.outbound_stopped",
    "kill_switch",
    "boolean",
    False,  # noqa: FBT003 - the default
    "Stop everything that leaves for customers and owners, also what waits already. It is not sent later.",
    "the gate, for every reply, text, e-mail and alert",
)
AI_STOPPED: Final = Definition(
    "platform.ai_stopped",
    "kill_switch",
    "boolean",
    False,  # noqa: FBT003 - as above
    "Compose no replies: customers get their business's fallback text.",
    "the gate, for every composed reply",
)
TAKEOVER_MINUTES: Final = Definition(
    "conversations.takeover_minutes",
    "setting",
    "integer",
    60,
    "Minutes for which the AI is silent after a person has answered, where the client says nothing else.",
    "a person's reply",
    1,
    10_080,
)
LATE_MINUTES: Final = Definition(
    "conversations.late_minutes",
    "setting",
    "integer",
    360,
    "Minutes after which a text that reached us late is handed to the owner and not answered.",
    "processing of texts that came by the spool or by recovery",
    5,
    2_880,
)
ANSWER_THRESHOLD: Final = Definition(
    "replies.answer_threshold",
    "setting",
    "float",
    0.5,
    "Confidence (0 to 1) below which a reply asks back or offers a call, where the client says nothing else.",
    "composing a reply",
    0,
    1,
)
COLLAPSE_MINUTES: Final = Definition(
    "alerts.collapse_minutes",
    "setting",
    "integer",
    5,
    "Minutes for which alerts to an owner are gathered after the first, where the client says nothing else; 0: never.",
    "raising an alert",
    0,
    1_440,
)
DISABLE_AFTER_HOURS: Final = Definition(
    "webhooks.disable_after_hours",
    "setting",
    "integer",
    72,
    "Hours of failing calls after which a webhook endpoint is disabled.",
    "a failed call of an endpoint",
    1,
    720,
)
MESSAGES_OF_CONVERSATION: Final = Definition(
    "widget.messages_of_conversation_per_minute",
    "setting",
    "integer",
    20,
    "Messages a minute that one visitor may write in one chat.",
    "the widget",
    1,
    10_000,
)
MESSAGES_OF_ADDRESS: Final = Definition(
    "widget.messages_of_address_per_minute",
    "setting",
    "integer",
    60,
    "Messages a minute that may come from one network address, which may be a whole office.",
    "the widget",
    1,
    100_000,
)

DEFINITIONS: Final[Mapping[str, Definition]] = {
    one.key: one
    for one in (
        OUTBOUND_STOPPED,
        AI_STOPPED,
        TAKEOVER_MINUTES,
        LATE_MINUTES,
        ANSWER_THRESHOLD,
        COLLAPSE_MINUTES,
        DISABLE_AFTER_HOURS,
        MESSAGES_OF_CONVERSATION,
        MESSAGES_OF_ADDRESS,
    )
}
"""All of them, by name."""
