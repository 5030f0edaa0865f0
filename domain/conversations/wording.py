"""The fixed words of this capability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.alerts.wording import quote
from domain.clients.numbers import region_of

FALLBACK: Final = "Thanks for your message. {client} has received it and will get back to you as soon as possible."
_DANGER: Final = (
    "If you or somebody else may be in danger, {call} now. {talk}"
    "This is an automatic message of {client}: it can't help in an emergency."
)
_TALK: Final = "You can also call or text 988 at any time, day and night, to talk to somebody. "
_NINE_ONE_ONE: Final = frozenset({"US", "CA"})
"""Where 911 and 988 are answered: https://www.fcc.gov/988-suicide-and-crisis-lifeline, and Canada's 988 since 2023."""


def fallback(client: str, own_words: str | None) -> str:
    """Return what a customer is told when no reply may be composed."""
    return own_words or FALLBACK.format(client=client)


def emergency_advice(client: str, number: str | None) -> str:
    """Return what somebody who may be in danger is told. `number` (E.164) tells the country, else it is the US."""
    if (region_of(number) or "US") in _NINE_ONE_ONE:
        return _DANGER.format(call="call 911", talk=_TALK, client=client)
    return _DANGER.format(call="call your local emergency number", talk="", client=client)


def who_wrote(channel: str, address: str) -> str:
    """Return a contact as an owner is told of them."""
    return address if channel == "sms" else "A visitor of your web chat"


def summary(channel: str, address: str, texts: Sequence[str], what_was_done: str) -> str:
    """Return what an owner is told of a contact: who, the first words of what they wrote, and what became of it."""
    return f"{who_wrote(channel, address)} wrote: {quote(' '.join(texts))} {what_was_done}"
