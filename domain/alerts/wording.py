"""The texts to owners: short and plain, and in the SMS alphabet, so that a text costs few segments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from domain.alerts.policy import AlertKind
from domain.delivery.email_templates import AlertDigest, DigestLine, OwnerAlert, TestNotification

QUOTE_LENGTH: Final = 120
"""Characters of a customer's text that an owner is shown."""
_SHOWN_IN_TEXT: Final = 2
SHOWN: Final = 50
"""Alerts that a digest names at most; the others are counted."""
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
    AlertKind.SENDER_REFUSED: "The operators have been told. Please reach urgent customers another way.",
}
_HEADLINE: Final[Mapping[str, str]] = {
    AlertKind.NEW_LEAD: "New request",
    AlertKind.CALL_BACK: "Call-back wanted",
    AlertKind.FALLBACK: "A customer waits for you",
    AlertKind.CRISIS: "URGENT: somebody may be in danger",
    AlertKind.FAILED_DELIVERY: "A text did not arrive",
    AlertKind.DEAD_MESSAGE: "A message could not be answered",
    AlertKind.SENDER_REFUSED: "Your texts are not being sent",
}
_ONE_AND_MANY: Final[Mapping[str, tuple[str, str]]] = {
    AlertKind.NEW_LEAD: ("new request", "new requests"),
    AlertKind.CALL_BACK: ("call-back wanted", "call-backs wanted"),
    AlertKind.FALLBACK: ("customer waiting for you", "customers waiting for you"),
    AlertKind.CRISIS: ("urgent message", "urgent messages"),
    AlertKind.FAILED_DELIVERY: ("text that did not arrive", "texts that did not arrive"),
    AlertKind.DEAD_MESSAGE: ("message that could not be answered", "messages that could not be answered"),
    AlertKind.SENDER_REFUSED: ("sender that is refused", "senders that are refused"),
}
_TEST_TEXT: Final = "{client}: this is a test notification. Alerts about your customers reach you here."


@dataclass(frozen=True, slots=True)
class Words:
    """What an owner is told, as a text and as an e-mail."""

    sms: str = field(repr=False)
    email: OwnerAlert | AlertDigest | TestNotification = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """One alert as an owner is told of it. `at` is in the owner's time zone."""

    kind: str
    summary: str = field(repr=False)
    at: datetime


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
    email = OwnerAlert(
        client_name=client_name, headline=headline, summary=f"{told.summary}\n\n{advice}".rstrip(), at=told.at
    )
    return Words(f"{text} {advice}".rstrip(), email)


def digest(client_name: str, told: Sequence[Told], kinds: Counter[str] | None = None) -> Words:
    """Return the words of several alerts together. `told`: the last ones; `kinds`: how many of each kind there are."""
    kinds = Counter(one.kind for one in told) if kinds is None else kinds
    if kinds.total() == 1:
        return single(client_name, told[0])
    counts = ", ".join(_counted(kind, count) for kind, count in kinds.most_common())
    latest = [shorten(one.summary, _SUMMARY_IN_DIGEST) for one in told[-_SHOWN_IN_TEXT:]]
    text = (
        f"{client_name}: {kinds.total()} more alerts: {counts}. The last: {' / '.join(latest)} Please look after them."
    )
    lines = [
        DigestLine(headline=_HEADLINE.get(one.kind, "News"), summary=one.summary, at=one.at) for one in told[-SHOWN:]
    ]
    email = AlertDigest(client_name=client_name, lines=lines, more=kinds.total() - len(lines))
    return Words(shorten(text, _LONGEST_SMS), email)


def trial(client_name: str) -> Words:
    """Return the words of a test notification."""
    return Words(_TEST_TEXT.format(client=client_name), TestNotification(client_name=client_name))


def _counted(kind: str, count: int) -> str:
    one, many = _ONE_AND_MANY.get(kind, ("alert", "alerts"))
    return f"{count} {one if count == 1 else many}"
