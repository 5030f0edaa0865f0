"""When an endpoint is called again, and when no more. Pure decisions.

Standard Webhooks (specification, "Deliverability and reliability") asks for retries over hours with growing waits, for
`Retry-After` and `410 Gone` to be obeyed, and for endpoints that keep failing to be disabled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, Literal

from domain.webhooks.ports import Answer

RETRY_WAITS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
)
"""The least wait after each failed try; the queue adds up to a tenth. Some 23 hours altogether."""
SEND_TRIES: Final = len(RETRY_WAITS) + 1

SHORTEST_HOLD: Final = timedelta(seconds=5)
LONGEST_HOLD: Final = timedelta(minutes=5)
"""For so long nothing is sent to an endpoint that is down: half of the time for which it is, within these."""
SHORTEST_SPREAD: Final = timedelta(seconds=20)
LONGEST_SPREAD: Final = timedelta(minutes=30)
"""What waits for a held endpoint comes back over so long, not all at once: a quarter of that time, within these."""
PROBE_LEASE: Final = timedelta(seconds=30)
"""How long one call may take to find out whether an endpoint is up again, while all others wait."""
DISABLE_FAILURES: Final = SEND_TRIES
"""An endpoint is disabled when all calls failed for long enough, and there were at least so many of them."""
LONGEST_RETRY_AFTER: Final = timedelta(hours=12)

Verdict = Literal["delivered", "failed", "gone"]


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint does: `failures` calls in a row failed, the first of them at `failing_since`."""

    failing_since: datetime
    failures: int


def verdict(answer: Answer) -> Verdict:
    """Return what an answer means. Only 2xx is success: a redirect is not followed and counts as a failure."""
    if answer.status is None:
        return "failed"
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return "delivered"
    return "gone" if answer.status == HTTPStatus.GONE else "failed"


def is_down(answer: Answer) -> bool:
    """Return whether a failed call says that the next one, with another event, would fail as well.

    A receiver that refuses one event (most of 4xx) may well take the next; one that does not answer will not.
    """
    down = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
    return answer.status is None or answer.status in down or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def wait_before_retry(tries: int, retry_after: timedelta | None) -> timedelta:
    """Return the least wait after the `tries`-th failed try (from 1, less than SEND_TRIES)."""
    return max(RETRY_WAITS[min(tries, len(RETRY_WAITS)) - 1], _asked(retry_after))


def hold(failing_for: timedelta, retry_after: timedelta | None) -> timedelta:
    """Return for how long nothing is sent to an endpoint that is down."""
    return max(_within(failing_for / 2, SHORTEST_HOLD, LONGEST_HOLD), _asked(retry_after))


def spread(failing_for: timedelta) -> timedelta:
    """Return over how long what waits for a held endpoint comes back."""
    return _within(failing_for / 4, SHORTEST_SPREAD, LONGEST_SPREAD)


def has_failed_for_good(health: Health, now: datetime, disable_after: timedelta) -> bool:
    """Return whether an endpoint failed for so long that it is called no more."""
    return health.failures >= DISABLE_FAILURES and now - health.failing_since >= disable_after


def words(answer: Answer) -> str:
    """Return why a call failed, for a person."""
    if answer.error is not None:
        return answer.error
    status = answer.status or 0
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"The receiver answered {status}; redirects are not followed."
    return f"The receiver answered {status}."


def _asked(retry_after: timedelta | None) -> timedelta:
    return min(retry_after or timedelta(0), LONGEST_RETRY_AFTER)


def _within(time: timedelta, least: timedelta, most: timedelta) -> timedelta:
    return min(max(time, least), most)
