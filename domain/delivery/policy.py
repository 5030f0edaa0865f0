"""Pure decisions of delivery: what a provider's error means, what follows from it, and how long to wait.

Codes are Twilio's: https://www.twilio.com/docs/api/errors. What to do about a code is our judgement.

A number that can't get texts (the class `recipient`) is not suppressed as one that opted out is. Nobody is texted here
without a reason: a customer is answered, and who writes to us has shown that the number works; an owner whose number
fails is a client whose alerts do not arrive, which is told where alerts are set up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Final, Literal
from zoneinfo import ZoneInfo

SEND_TRIES: Final = 8
"""Failed runs of one sending job. One that made no connection is none of them for a day (`wait_for_provider`)."""
CALL_WITHIN: Final = timedelta(seconds=5)
"""A call begins this soon after its attempt is on record, or not at all: a worker that was paused in between must not
send what another has meanwhile taken over."""
SETTLING: Final = timedelta(seconds=25)
"""An attempt this young is not looked for yet: the latest begin of a call, its time limits (5 s to connect, 10 s to
read), and 5 s by which the provider's list may lag behind."""
IN_FLIGHT: Final = timedelta(seconds=60)
"""An attempt marked `sending` may really be under way this long: rescue from a lost worker takes 20 s, a run 60 s."""
UNREACHED_FOR: Final = timedelta(hours=24)
"""A provider to which no connection can be made is waited for so long; after that, tries count."""
SHORTEST_PROVIDER_WAIT: Final = timedelta(seconds=2)
LONGEST_PROVIDER_WAIT: Final = timedelta(minutes=1)
"""Between these, a sixteenth of the delivery's age: what waited for five minutes waits no more than 20 s too long."""
ASK_AFTER: Final = timedelta(hours=24)
"""A provider that can't tell what became of an attempt is asked for so long, then a person."""
SHORTEST_LOOKUP_WAIT: Final = timedelta(seconds=5)
LONGEST_LOOKUP_WAIT: Final = timedelta(hours=1)
"""Between these, an eighth of the attempt's age: who waited for two minutes waits no more than 15 s too long."""
EVENT_WITHIN: Final = timedelta(hours=1)
"""E-mail providers keep no list, but report events; an event that has not come by then does not come."""
TWIN_PAUSE: Final = timedelta(seconds=5)
"""How long to wait for the same text to the same recipient that is under way, before looking again."""


class ErrorClass(StrEnum):
    """What an error means for the message."""

    RETRY = "retry"
    BACK_OFF = "back_off"
    UNTIL_MIDNIGHT = "until_midnight"
    AMBIGUOUS = "ambiguous"
    FEW = "few"
    RECIPIENT = "recipient"
    OPTED_OUT = "opted_out"
    NEVER = "never"
    TOO_LONG = "too_long"
    REGION = "region"
    CONFIGURATION = "configuration"
    REGISTRATION = "registration"
    UNCLASSIFIED = "unclassified"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What to do about a class of errors.

    `retry`: at most `tries` in all, waiting at least `wait`, doubled each time up to `longest`. `reconcile`: find out
    what became of it before anything else. `hold`: the sender is refused, so what it would send waits, and one message
    tries it every `wait`, doubled each time up to `longest`. `fail`: the delivery ends here. `operator`: it ends, and a
    person must look.
    """

    action: Literal["retry", "reconcile", "hold", "fail", "operator"]
    tries: int = SEND_TRIES
    wait: timedelta = timedelta(0)
    longest: timedelta = timedelta(hours=1)


TREATMENTS: Final[Mapping[ErrorClass, Treatment]] = {
    ErrorClass.RETRY: Treatment("retry"),
    ErrorClass.BACK_OFF: Treatment("retry", wait=timedelta(minutes=1)),
    ErrorClass.UNTIL_MIDNIGHT: Treatment("retry", tries=3),
    ErrorClass.AMBIGUOUS: Treatment("reconcile"),
    ErrorClass.FEW: Treatment("retry", tries=3, wait=timedelta(minutes=5)),
    ErrorClass.RECIPIENT: Treatment("fail"),
    ErrorClass.OPTED_OUT: Treatment("fail"),
    ErrorClass.NEVER: Treatment("fail"),
    ErrorClass.TOO_LONG: Treatment("operator"),
    ErrorClass.REGION: Treatment("operator"),
    ErrorClass.CONFIGURATION: Treatment("hold", wait=timedelta(minutes=5)),
    ErrorClass.REGISTRATION: Treatment("hold", wait=timedelta(hours=1), longest=timedelta(hours=6)),
    ErrorClass.UNCLASSIFIED: Treatment("operator"),
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """An error's class and its plain words, for people; no personal datum in them."""

    error_class: ErrorClass
    words: str


ERRORS: Final[Mapping[int, Meaning]] = {
    20003: Meaning(ErrorClass.CONFIGURATION, "Twilio does not accept the account SID and token."),
    20429: Meaning(ErrorClass.RETRY, "Twilio has too many requests of ours at once."),
    20500: Meaning(ErrorClass.AMBIGUOUS, "Twilio had an internal error."),
    20503: Meaning(ErrorClass.AMBIGUOUS, "Twilio was unavailable."),
    21211: Meaning(ErrorClass.RECIPIENT, "The recipient's number is not valid."),
    21408: Meaning(ErrorClass.REGION, "The account may not send to the recipient's region."),
    21606: Meaning(ErrorClass.CONFIGURATION, "The sender's number can't send texts from this account."),
    21610: Meaning(ErrorClass.OPTED_OUT, "The recipient has opted out."),
    21611: Meaning(ErrorClass.BACK_OFF, "The sender's queue at Twilio is full."),
    21614: Meaning(ErrorClass.RECIPIENT, "The recipient's number is not a mobile number."),
    21617: Meaning(ErrorClass.TOO_LONG, "The text is longer than 1,600 characters."),
    21703: Meaning(ErrorClass.CONFIGURATION, "The Messaging Service has no sender."),
    30001: Meaning(ErrorClass.BACK_OFF, "The sender's queue at Twilio overflowed."),
    30002: Meaning(ErrorClass.CONFIGURATION, "The Twilio account is suspended."),
    30003: Meaning(ErrorClass.FEW, "The recipient's phone could not be reached."),
    30004: Meaning(ErrorClass.NEVER, "The message was blocked."),
    30005: Meaning(ErrorClass.RECIPIENT, "The recipient's number does not exist."),
    30006: Meaning(ErrorClass.RECIPIENT, "The recipient's number is a landline, or its carrier can't be reached."),
    30007: Meaning(ErrorClass.NEVER, "The carrier filtered the message."),
    30008: Meaning(ErrorClass.FEW, "The message was not delivered; the carrier does not say why."),
    30017: Meaning(ErrorClass.BACK_OFF, "The carrier's network is congested."),
    30022: Meaning(ErrorClass.BACK_OFF, "The carrier's rate limit is exceeded."),
    30023: Meaning(ErrorClass.UNTIL_MIDNIGHT, "The carrier's daily limit is reached; it resets at midnight Pacific."),
    30034: Meaning(ErrorClass.CONFIGURATION, "The sender's number is not registered for A2P 10DLC."),
    30035: Meaning(ErrorClass.REGISTRATION, "The sender's number is still being registered."),
    30036: Meaning(ErrorClass.FEW, "The message's validity period ran out."),
    30410: Meaning(ErrorClass.AMBIGUOUS, "The provider did not answer in time."),
}

# Amazon SES names its errors: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors.
NAMED_ERRORS: Final[Mapping[str, Meaning]] = {
    "AccountSuspendedException": Meaning(ErrorClass.CONFIGURATION, "The e-mail account is suspended for good."),
    "BadRequestException": Meaning(ErrorClass.UNCLASSIFIED, "The e-mail has not the form that the provider takes."),
    "LimitExceededException": Meaning(ErrorClass.BACK_OFF, "The e-mail account's quota is used up."),
    "MailFromDomainNotVerifiedException": Meaning(ErrorClass.CONFIGURATION, "The sender's domain is not verified."),
    "MessageRejected": Meaning(
        ErrorClass.UNCLASSIFIED, "The e-mail's sender or recipient is not verified, or its content is refused."
    ),
    "NoCredentials": Meaning(ErrorClass.CONFIGURATION, "There are no usable AWS credentials."),
    "NotFoundException": Meaning(ErrorClass.CONFIGURATION, "The configuration set for e-mail does not exist."),
    "SendRateReached": Meaning(ErrorClass.BACK_OFF, "The e-mail account sends as fast as it may."),
    "SendingPausedException": Meaning(ErrorClass.CONFIGURATION, "Sending is paused for the e-mail account."),
    "Throttling": Meaning(ErrorClass.BACK_OFF, "The e-mail account sends too fast, or too much in a day."),
    "ThrottlingException": Meaning(ErrorClass.BACK_OFF, "The e-mail account sends too fast, or too much in a day."),
    "TooManyRequestsException": Meaning(ErrorClass.BACK_OFF, "The e-mail account sends too fast."),
}

# The safe default for a code that is not in the table: by what the HTTP status says about whether it was taken.
_BY_STATUS: Final[Mapping[int, Meaning]] = {
    0: Meaning(ErrorClass.RETRY, "The provider could not be reached."),
    401: Meaning(ErrorClass.CONFIGURATION, "The provider does not accept our credentials."),
    403: Meaning(ErrorClass.CONFIGURATION, "The provider does not permit this to our account."),
    404: Meaning(ErrorClass.CONFIGURATION, "The provider does not know our account."),
    408: Meaning(ErrorClass.AMBIGUOUS, "The provider gave up waiting."),
    429: Meaning(ErrorClass.BACK_OFF, "The provider has too many requests of ours."),
}
_SERVER_ERROR: Final = Meaning(ErrorClass.AMBIGUOUS, "The provider had an internal error.")
_REFUSED: Final = Meaning(ErrorClass.UNCLASSIFIED, "The provider did not take or did not deliver the message.")


def meaning(code: int | None, http_status: int | None = None, name: str | None = None) -> Meaning:
    """Return what an error means: by its code or its name when a table has it, else by the HTTP status.

    `http_status` is 0 when no connection was made, and None when the error was reported later, by a receipt.
    """
    known = ERRORS.get(code) if code is not None else NAMED_ERRORS.get(name or "")
    if known is not None:
        return known
    if http_status is not None and http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _SERVER_ERROR
    return _REFUSED if http_status is None else _BY_STATUS.get(http_status, _REFUSED)


def may_retry(error_class: ErrorClass, tries_used: int) -> bool:
    """Return whether another try is due after `tries_used` failed ones, this included."""
    return tries_used < min(TREATMENTS[error_class].tries, SEND_TRIES)


def wait_before_retry(
    error_class: ErrorClass, tries_used: int, now: datetime, retry_after: timedelta | None = None
) -> timedelta | None:
    """Return the least wait before the next try; None leaves it to the queue's own back-off."""
    if error_class is ErrorClass.UNTIL_MIDNIGHT:
        return until_midnight_pacific(now)
    treatment = TREATMENTS[error_class]
    wait = min(treatment.longest, treatment.wait * 2 ** max(tries_used - 1, 0))
    return max(wait, retry_after or timedelta(0)) or None


def wait_for_provider(age: timedelta) -> timedelta | None:
    """Return when to call again where no connection could be made, `age` after the delivery was asked for.

    None when it has been waited for long enough. Nothing was sent and nothing is known of the message, so no try is
    used up.
    """
    if age >= UNREACHED_FOR:
        return None
    return min(max(age / 16, SHORTEST_PROVIDER_WAIT), LONGEST_PROVIDER_WAIT)


def wait_before_lookup(age: timedelta, channel: str) -> timedelta | None:
    """Return when to look again for an attempt that began `age` ago; None when it is time to ask a person."""
    if channel == "email":
        return EVENT_WITHIN - age if age < EVENT_WITHIN else None
    if age >= ASK_AFTER:
        return None
    return min(max(age / 8, SHORTEST_LOOKUP_WAIT), LONGEST_LOOKUP_WAIT, ASK_AFTER - age)


_PACIFIC: Final = ZoneInfo("America/Los_Angeles")


def until_midnight_pacific(now: datetime) -> timedelta:
    """Return the time from `now` (timezone-aware) to the next midnight in Los Angeles, daylight saving included."""
    tomorrow = now.astimezone(_PACIFIC).date() + timedelta(days=1)
    # Two aware times of one zone subtract by the wall clock; in UTC a day of 23 or 25 hours counts as it is.
    return datetime.combine(tomorrow, time.min, _PACIFIC).astimezone(now.tzinfo) - now
