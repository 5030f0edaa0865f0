"""How far a message has come, by what a provider reported of it: pure decisions, the same for any order of reports.

Statuses are Twilio's (https://www.twilio.com/docs/messaging/api/message-resource#message-status-values) and those that
`email_policy` makes of an e-mail's events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from domain.delivery.policy import TREATMENTS, Meaning

State = Literal["pending", "sending", "unknown", "accepted", "sent", "delivered", "undelivered", "failed", "cancelled"]
FAILED_STATES: Final = ("failed", "undelivered")
Report = tuple[str, str | None]
"""A status and the error's code."""

# From weakest to strongest evidence. A later report never takes a delivery back, whatever order reports come in.
_STATUS_ORDER: Final = (
    "accepted", "scheduled", "queued", "sending", "sent", "canceled", "failed", "undelivered", "partially_delivered",
    "delivered", "read", "suppressed", "bounced", "complained",
)  # fmt: skip
_STATE_BY_STATUS: Final[Mapping[str, State]] = {
    "sent": "sent",
    "canceled": "failed",
    "failed": "failed",
    "undelivered": "undelivered",
    "partially_delivered": "undelivered",
    "delivered": "delivered",
    "read": "delivered",
    # Of an e-mail. A complaint comes from a mailbox that had it.
    "suppressed": "undelivered",
    "bounced": "undelivered",
    "complained": "delivered",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all reports of one message come to. `failure` says why it failed, with the code in `error_code`.

    `again`: it failed, and another try may succeed.
    """

    state: State
    failure: Meaning | None = None
    error_code: str | None = None
    again: bool = False


def state_of(status: str) -> State:
    """Return the delivery's state by a provider's status. Even a status that nobody knows proves that it was taken."""
    return _STATE_BY_STATUS.get(status, "accepted")


def strongest(reports: Iterable[Report]) -> Report | None:
    """Return the report that says most about where a message is; None without any."""
    return max(reports, key=lambda report: (_strength(report[0]), report[0], report[1] or ""), default=None)


def verdict(reports: Iterable[Report], meaning: Callable[[str | None], Meaning]) -> Verdict | None:
    """Return what the reports of one message come to; None without any. `meaning` is of an error's code.

    Of failures that contradict each other, one after which nothing must be tried again counts.
    """
    known = list(reports)
    best = strongest(known)
    if best is None or state_of(best[0]) not in FAILED_STATES:
        return None if best is None else Verdict(state_of(best[0]))
    failures = [report for report in known if state_of(report[0]) in FAILED_STATES]
    final = strongest(report for report in failures if not tried_again(meaning(report[1])))
    status, code = final or best
    return Verdict(state_of(status), meaning(code), code, again=final is None)


def tried_again(failure: Meaning) -> bool:
    """Return whether a message that surely failed so is to be sent again, by its class alone."""
    return TREATMENTS[failure.error_class].action in ("retry", "hold")


def _strength(status: str) -> int:
    return _STATUS_ORDER.index(status) if status in _STATUS_ORDER else -1
