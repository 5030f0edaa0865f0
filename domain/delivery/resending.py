"""When a message that a provider took, and then reported as failed, is sent again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from domain.delivery.policy import ErrorClass, wait_before_retry
from domain.delivery.repository import LastTry

_SHORTEST_WAIT: Final = timedelta(minutes=1)


def resend_wait(error_class: ErrorClass, failed_tries: int, failed_at: datetime) -> timedelta:
    """Return how long the next try waits after the `failed_tries`-th that failed late, at `failed_at`."""
    return max(_SHORTEST_WAIT, wait_before_retry(error_class, failed_tries, failed_at) or _SHORTEST_WAIT)


def resend_at(last: LastTry | None) -> datetime | None:
    """Return when a delivery may be tried again whose last try failed late; None when it may be now."""
    if last is None or last.attempt.outcome != "failed" or last.finished_at is None:
        return None
    error_class = ErrorClass(last.error_class or ErrorClass.FEW)
    at = last.finished_at + resend_wait(error_class, last.failed_tries, last.finished_at)
    return at if at > last.now else None
