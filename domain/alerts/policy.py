"""Pure decisions about alerts: what they are about, which channels can carry them, and what is said when none can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.clients.alert_kinds import AlertKind as AlertKind  # noqa: PLC0414 - it is a word of this page as well
from domain.clients.numbers import is_e164

Channel = Literal["sms", "email"]
CHANNELS: Final[tuple[Channel, ...]] = ("sms", "email")
NOT_ALERTED: Final = "Requests are saved but you won't be alerted."
"""How the status of a client begins while nothing can reach its owner."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that an owner should know.

    `subject` is what it is about, as a kind and an id (`"message:0198…"`): the same one is told once. `summary` is what
    happened, in whole sentences with the contact and the first words of their text, but not what to do about it.
    """

    org_id: UUID
    client_id: UUID
    kind: AlertKind
    subject: str
    summary: str = field(repr=False)
    conversation_id: UUID | None = None
    correlation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """How a client's owner wants to be told, and what is known of each way. `timezone` is the client's.

    `*_opted_out`: the address asked not to be written to, or bounced; `*_failed`: what was last sent there came to
    nothing; `*_refused`: the provider refuses the sender, so what it would send waits; `noticed`: an operator has been
    told that the owner can't be reached.
    """

    org_id: UUID
    client_name: str
    timezone: str
    channel: str
    kinds: Sequence[str] | None
    collapse: timedelta
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)
    has_sender: bool
    sms_opted_out: bool
    email_opted_out: bool
    sms_refused: bool
    email_refused: bool
    sms_failed: bool
    email_failed: bool
    noticed: bool

    def local(self, at: datetime) -> datetime:
        """Return an instant by the owner's clock; in UTC for a time zone that nobody knows."""
        try:
            return at.astimezone(ZoneInfo(self.timezone))
        except (KeyError, ValueError, OSError):
            return at.astimezone(UTC)

    def wants(self, kind: AlertKind) -> bool:
        """Return whether the owner chose alerts of this kind; nobody can choose to miss a danger."""
        return kind is AlertKind.CRISIS or self.kinds is None or kind.value in self.kinds

    def chose(self, channel: Channel) -> bool:
        """Return whether the owner chose this channel."""
        return self.channel in {channel, "both"}

    def address(self, channel: Channel) -> str | None:
        """Return where the owner is reached by this channel."""
        return self.phone if channel == "sms" else self.email


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a channel doesn't reach the owner and what to do.

    `still_tried`: it may work again by itself. `waits`: what is sent there is kept until it does.
    """

    reason: str
    remedy: str
    still_tried: bool = False
    waits: bool = False


_NO_CHANNEL: Final = Problem("Alerts are turned off for this client.", "Choose text messages or e-mail for alerts.")
_NO_PHONE: Final = Problem("No mobile number of the owner is set.", "Set the owner's mobile number.")
_BAD_PHONE: Final = Problem(
    "The owner's mobile number is not in international form.", "Write it with a plus sign and country code."
)
_NO_EMAIL: Final = Problem("No e-mail address of the owner is set.", "Set the owner's e-mail address.")
_NO_SENDER: Final = Problem("The client has no number to text from.", "Give the client a number to text from.")
_STOPPED: Final = Problem(
    "The owner's phone has opted out of texts from the client's number.", "Text START from that phone to the number."
)
_SUPPRESSED: Final = Problem(
    "The owner's e-mail address bounced, complained or was unsubscribed.", "Set another address, or lift its opt-out."
)
_REFUSED: Final = Problem(
    "The provider refuses the client's number as a sender; texts wait.",
    "An operator has to put the number right with the provider.",
    still_tried=True,
    waits=True,
)
_EMAIL_REFUSED: Final = Problem(
    "The provider refuses our e-mail; it waits.",
    "An operator has to put the sending address right with the provider.",
    still_tried=True,
    waits=True,
)
_TEXT_FAILED: Final = Problem(
    "The last text to the owner was not delivered.",
    "Check the owner's mobile number and send a test notification.",
    still_tried=True,
)
_EMAIL_FAILED: Final = Problem(
    "The last e-mail to the owner was not delivered.",
    "Check the owner's e-mail address and send a test notification.",
    still_tried=True,
)
_NAMES: Final[Mapping[Channel, str]] = {"sms": "text message", "email": "e-mail"}


def problem_of(owner: Owner, channel: Channel) -> Problem | None:
    """Return why this channel doesn't reach the owner, whether it was chosen or not; None when it should."""
    checks = _sms_checks(owner) if channel == "sms" else _email_checks(owner)
    return next((problem for failed, problem in checks if failed), None)


def channels_to_use(owner: Owner) -> Sequence[Channel]:
    """Return by which channels an alert leaves: those chosen, and while none of them works one that does."""
    chosen = [channel for channel in CHANNELS if owner.chose(channel)]
    problems = {channel: problem_of(owner, channel) for channel in CHANNELS}
    instead: list[Channel] = []
    if chosen and all(problems[channel] for channel in chosen):
        instead = [channel for channel in CHANNELS if channel not in chosen and problems[channel] is None]
    return [channel for channel in chosen if _is_tried(problems[channel], otherwise_sent=bool(instead))] + instead


def reaches(owner: Owner) -> bool:
    """Return whether any channel that an alert would use should reach the owner."""
    return any(problem_of(owner, channel) is None for channel in channels_to_use(owner))


def words_of(owner: Owner, stopped: str | None) -> str:
    """Return the status in the owner's words. `stopped`: why the gate lets no alert pass, if it doesn't."""
    if stopped is not None:
        return f"{NOT_ALERTED} {stopped} Lift that to be alerted again."
    chosen = [channel for channel in CHANNELS if owner.chose(channel)]
    if not chosen:
        return f"{NOT_ALERTED} {_NO_CHANNEL.reason} {_NO_CHANNEL.remedy}"
    problems = [problem for channel in chosen if (problem := problem_of(owner, channel)) is not None]
    trouble = " ".join(f"{problem.reason} {problem.remedy}" for problem in problems)
    if not reaches(owner):
        return f"{NOT_ALERTED} {trouble}"
    working = [channel for channel in channels_to_use(owner) if problem_of(owner, channel) is None]
    by = " and ".join(_NAMES[channel] for channel in working)
    return f"You are alerted by {by}. {trouble}".rstrip()


def _is_tried(problem: Problem | None, *, otherwise_sent: bool) -> bool:
    """Return whether an alert is sent there: not what would wait, and come as old news, when it arrives otherwise."""
    return problem is None or (problem.still_tried and not (problem.waits and otherwise_sent))


def _sms_checks(owner: Owner) -> list[tuple[bool, Problem]]:
    return [
        (not owner.phone, _NO_PHONE),
        (owner.phone is not None and not is_e164(owner.phone), _BAD_PHONE),
        (not owner.has_sender, _NO_SENDER),
        (owner.sms_opted_out, _STOPPED),
        (owner.sms_refused, _REFUSED),
        (owner.sms_failed, _TEXT_FAILED),
    ]


def _email_checks(owner: Owner) -> list[tuple[bool, Problem]]:
    return [
        (not owner.email, _NO_EMAIL),
        (owner.email_opted_out, _SUPPRESSED),
        (owner.email_refused, _EMAIL_REFUSED),
        (owner.email_failed, _EMAIL_FAILED),
    ]
