"""The texts to owners: short and plain, and in the SMS alphabet, so that a text costs few segments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.alerts.policy import AlertKind

QUOTE_LENGTH: Final = 120
"""Characters of a customer's text that an owner is shown."""
_SHOWN_IN_TEXT: Final = 2
_SHOWN_IN_EMAIL: Final = 50
_SUMMARY_IN_DIGEST: Final = 140
_LONGEST_SMS: Final = 612
"""Characters: four segments of the SMS alphabet."""

_ADVICE: Final[Mapping[str, str]] = {
    AlertKind.NEW_LEAD: "Please get in touch with them.",
    AlertKind.CALL_BACK: "Please call them back.",
    AlertKind.FALLBACK: "Please answer them yourself.",
    AlertKind.CRISIS: "Read this now and call them. If somebody is in danger, call 911.",
    AlertKind.FAILED_DELIVERY: "Please reach them another way.",
    AlertKind.DEAD_MESSAGE: "Please answer them yourself; the operators have been told.",
}
_HEADLINE: Final[Mapping[str, str]] = {
    AlertKind.NEW_LEAD: "New request",
    AlertKind.CALL_BACK: "Call-back wanted",
    AlertKind.FALLBACK: "A customer waits for you",
    AlertKind.CRISIS: "URGENT: somebody may be in danger",
    AlertKind.FAILED_DELIVERY: "A text did not arrive",
    AlertKind.DEAD_MESSAGE: "A message could not be answered",
}
_ONE_AND_MANY: Final[Mapping[str, tuple[str, str]]] = {
    AlertKind.NEW_LEAD: ("new request", "new requests"),
    AlertKind.CALL_BACK: ("call-back wanted", "call-backs wanted"),
    AlertKind.FALLBACK: ("customer waiting for you", "customers waiting for you"),
    AlertKind.CRISIS: ("urgent message", "urgent messages"),
    AlertKind.FAILED_DELIVERY: ("text that did not arrive", "texts that did not arrive"),
    AlertKind.DEAD_MESSAGE: ("message that could not be answered", "messages that could not be answered"),
}
_TEST_TEXT: Final = "{client}: this is a test notification. Alerts about your customers reach you here."


@dataclass(frozen=True, slots=True)
class Words:
    """What an owner is told, as a text and as an e-mail. `lines` are the e-mail's paragraphs or list."""

    sms: str = field(repr=False)
    subject: str = field(repr=False)
    lines: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """One alert as an owner is told of it."""

    kind: str
    summary: str = field(repr=False)


def quote(text: str) -> str:
    """Return the first words of a customer's text, on one line."""
    return f'"{shorten(" ".join(text.split()), QUOTE_LENGTH)}"'


def shorten(text: str, length: int) -> str:
    """Return `text` in at most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 3].rstrip()}..."


def single(client_name: str, told: Told) -> Words:
    """Return the words of one alert."""
    headline, advice = _HEADLINE.get(told.kind, "News"), _ADVICE.get(told.kind, "")
    text = shorten(f"{client_name}: {headline}. {told.summary}", _LONGEST_SMS - len(advice) - 1)
    return Words(f"{text} {advice}".rstrip(), _subject(client_name, headline), [told.summary, advice])


def digest(client_name: str, told: Sequence[Told]) -> Words:
    """Return the words of several alerts together; the last ones are shown."""
    if len(told) == 1:
        return single(client_name, told[0])
    counts = ", ".join(_counted(kind, count) for kind, count in Counter(one.kind for one in told).most_common())
    latest = [shorten(one.summary, _SUMMARY_IN_DIGEST) for one in told[-_SHOWN_IN_TEXT:]]
    headline = f"{len(told)} more alerts"
    text = f"{client_name}: {headline}: {counts}. The last: {' / '.join(latest)} Please look after them."
    shown = [one.summary for one in told[-_SHOWN_IN_EMAIL:]]
    left_out = [f"And {len(told) - len(shown)} more before these."] if len(shown) < len(told) else []
    lines = [f"{counts[0].upper()}{counts[1:]}.", *shown, *left_out, "Please look after them."]
    return Words(shorten(text, _LONGEST_SMS), _subject(client_name, headline), lines)


def trial(client_name: str) -> Words:
    """Return the words of a test notification."""
    text = _TEST_TEXT.format(client=client_name)
    return Words(text, _subject(client_name, "Test notification"), [text])


def _subject(client_name: str, headline: str) -> str:
    return shorten(" ".join(f"{client_name}: {headline}".split()), 120)


def _counted(kind: str, count: int) -> str:
    one, many = _ONE_AND_MANY.get(kind, ("alert", "alerts"))
    return f"{count} {one if count == 1 else many}"
