"""Counts and times the calls of a provider, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from time import perf_counter

from config.telemetry import PROVIDER_CALL_SECONDS, PROVIDER_CALLS
from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.ports import Accepted, EmailProvider, OutgoingEmail, OutgoingSms, Report, SmsProvider


class MeasuredSms:
    """An SmsProvider around another one that reports `gatehouse_provider_calls_total` and the time of each call."""

    def __init__(self, inner: SmsProvider) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """The name of the provider inside."""
        return self._inner.name

    @property
    def account(self) -> str:
        """The account of the provider inside."""
        return self._inner.account

    def send(self, sms: OutgoingSms) -> Accepted:
        """Send; outcomes `accepted`, `rejected`, `unknown`."""
        with _measured(self.name, "send", "accepted"):
            return self._inner.send(sms)

    def find(self, sms: OutgoingSms, since: datetime) -> Sequence[Accepted]:
        """Find; outcomes `answered`, `rejected`, `unknown`."""
        with _measured(self.name, "find", "answered"):
            return self._inner.find(sms, since)

    def fetch(self, provider_id: str) -> Report | None:
        """Fetch; outcomes as of `find`."""
        with _measured(self.name, "fetch", "answered"):
            return self._inner.fetch(provider_id)


class MeasuredEmail:
    """An EmailProvider around another one, measured as text messages are."""

    def __init__(self, inner: EmailProvider) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """The name of the provider inside."""
        return self._inner.name

    @property
    def account(self) -> str:
        """The account of the provider inside."""
        return self._inner.account

    def send(self, email: OutgoingEmail) -> Accepted:
        """Send; outcomes `accepted`, `rejected`, `unknown`."""
        with _measured(self.name, "send_email", "accepted"):
            return self._inner.send(email)


@contextmanager
def _measured(provider: str, operation: str, success: str) -> Iterator[None]:
    outcome, started = "error", perf_counter()
    try:
        yield
        outcome = success
    except ProviderRejectedError:
        outcome = "rejected"
        raise
    except OutcomeUnknownError:
        outcome = "unknown"
        raise
    finally:
        PROVIDER_CALL_SECONDS.labels(provider, operation).observe(perf_counter() - started)
        PROVIDER_CALLS.labels(provider, operation, outcome).inc()
