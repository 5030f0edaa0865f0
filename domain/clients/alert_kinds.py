"""What an owner may be told."""

from __future__ import annotations

from enum import StrEnum


class AlertKind(StrEnum):
    """What an owner may be told. The value is the word in `client_settings.alert_kinds`."""

    NEW_LEAD = "new_lead"
    CALL_BACK = "call_back"
    FALLBACK = "fallback"
    CRISIS = "crisis"
    """Somebody may be in danger: told at once, whatever kinds are chosen."""
    FAILED_DELIVERY = "failed_delivery"
    DEAD_MESSAGE = "dead_message"
    SENDER_REFUSED = "sender_refused"
    """The provider refuses to send for the client, so that its texts wait."""
