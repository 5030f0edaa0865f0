"""What a tenant can be told of. The payloads are described in docs/webhooks.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

JSON: TypeAlias = Mapping[str, "JSON"] | Sequence["JSON"] | str | int | float | bool | None


class EventType(StrEnum):
    """The type of an event, as receivers see it."""

    MESSAGE_RECEIVED = "message.received"
    REPLY_SENT = "reply.sent"
    DELIVERY_FAILED = "delivery.failed"
    LEAD_CAPTURED = "lead.captured"
    CALL_BACK_REQUESTED = "call_back.requested"
    CONTACT_OPTED_OUT = "contact.opted_out"
    CONTACT_OPTED_IN = "contact.opted_in"
    CONVERSATION_TAKEN_OVER = "conversation.taken_over"
    DEAD_LETTER_CREATED = "dead_letter.created"
    WEBHOOK_TEST = "webhook.test"
    """Sent on request to one endpoint, whatever it subscribes to."""


EVERYTHING: Final = "*"
"""Subscribes to every type, those of later releases included."""
SUBSCRIBABLE: Final = frozenset(EventType) - {EventType.WEBHOOK_TEST}
