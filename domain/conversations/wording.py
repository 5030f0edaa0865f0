"""The fixed words of this capability."""

from __future__ import annotations

from typing import Final

FALLBACK: Final = "Thanks for your message. {client} has received it and will get back to you as soon as possible."
ALERT_LENGTH: Final = 160
_ALERT: Final = '{client}: {who} is waiting for you ({why}). They wrote: "{text}"'


def fallback(client: str, own_words: str | None) -> str:
    """Return what a customer is told when no reply may be composed."""
    return own_words or FALLBACK.format(client=client)


def owner_alert(client: str, channel: str, address: str, why: str, text: str) -> str:
    """Return the text that tells an owner that a customer needs a person."""
    who = address if channel == "sms" else "A visitor of your web chat"
    short = text if len(text) <= ALERT_LENGTH else text[: ALERT_LENGTH - 1] + "…"
    return _ALERT.format(client=client, who=who, why=why, text=short)
