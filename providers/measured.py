"""Counts and times the calls of a provider, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from time import perf_counter
from typing import TypeVar

from config.telemetry import PROVIDER_CALL_SECONDS, PROVIDER_CALLS
from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.ports import Accepted, OutgoingSms, SmsProvider

T = TypeVar("T")


class MeasuredSms:
    """An SmsProvider around another one that reports `gatehouse_provider_calls_total` and the time of each call."""

    def __init__(self, inner: SmsProvider) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """The name of the provider inside."""
        return self._inner.name

    def send(self, sms: OutgoingSms) -> Accepted:
        """Send; outcomes `accepted`, `rejected`, `unknown`."""
        return self._measure("send", lambda: self._inner.send(sms), "accepted")

    def find(self, sms: OutgoingSms, since: datetime) -> Sequence[Accepted]:
        """Find; outcomes `answered`, `rejected`, `unknown`."""
        return self._measure("find", lambda: self._inner.find(sms, since), "answered")

    def _measure(self, operation: str, call: Callable[[], T], success: str) -> T:
        outcome, started = "error", perf_counter()
        try:
            answer = call()
            outcome = success
        except ProviderRejectedError:
            outcome = "rejected"
            raise
        except OutcomeUnknownError:
            outcome = "unknown"
            raise
        finally:
            PROVIDER_CALL_SECONDS.labels(self.name, operation).observe(perf_counter() - started)
            PROVIDER_CALLS.labels(self.name, operation, outcome).inc()
        return answer
