"""Counts and times the calls of a provider, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from time import perf_counter

from config.telemetry import (
    CIRCUIT_CHANGES,
    PROVIDER_CALL_SECONDS,
    PROVIDER_CALLS,
    PROVIDER_HELD,
    begin_at_zero,
)
from config.tracing import TRACING
from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.ports import Accepted, EmailProvider, OutgoingEmail, OutgoingSms, Report, SmsProvider
from domain.kernel.recent_errors import note_error


class MeasuredSms:
    """An SmsProvider around another one that reports `gatehouse_provider_calls_total` and the time of each call."""

    def __init__(self, inner: SmsProvider) -> None:
        self._inner = inner
        _begin(inner.name, send="accepted", find="answered", fetch="answered")

    @property
    def name(self) -> str:
        """The name of the provider inside."""
        return self._inner.name

    @property
    def account(self) -> str:
        """The account of the provider inside."""
        return self._inner.account

    def send(self, sms: OutgoingSms) -> Accepted:
        """Send; outcomes `accepted`, `rejected`, `throttled`, `unknown`, `error`."""
        with _measured(self.name, "send", "accepted"):
            return self._inner.send(sms)

    def find(self, sms: OutgoingSms, since: datetime) -> Sequence[Accepted]:
        """Find; outcomes `answered`, `rejected`, `throttled`, `unknown`, `error`."""
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
        _begin(inner.name, send_email="accepted")

    @property
    def name(self) -> str:
        """The name of the provider inside."""
        return self._inner.name

    @property
    def account(self) -> str:
        """The account of the provider inside."""
        return self._inner.account

    def send(self, email: OutgoingEmail) -> Accepted:
        """Send; outcomes as of `MeasuredSms.send`."""
        with _measured(self.name, "send_email", "accepted"):
            return self._inner.send(email)


def _begin(provider: str, **operations: str) -> None:
    """Show what can be counted of a provider, from the start. `operations`: each with its word for success."""
    for operation, success in operations.items():
        outcomes = (success, "rejected", "throttled", "unknown", "error")
        begin_at_zero(PROVIDER_CALLS, ((provider, operation, outcome) for outcome in outcomes))
    begin_at_zero(PROVIDER_HELD, ((provider, "circuit"), (provider, "limit")))
    begin_at_zero(CIRCUIT_CHANGES, ((provider, state) for state in ("open", "half-open", "closed")))


@contextmanager
def _measured(provider: str, operation: str, success: str) -> Iterator[None]:
    outcome, started = "error", perf_counter()
    try:
        with TRACING.call(provider, operation):
            yield
        outcome = success
    except ProviderRejectedError as error:
        outcome = "throttled" if error.http_status == HTTPStatus.TOO_MANY_REQUESTS else "rejected"
        # That one message is not taken is no error of the provider; 0: no connection was made.
        status = error.http_status
        if outcome == "throttled" or status >= HTTPStatus.INTERNAL_SERVER_ERROR or not (status or error.name):
            note_error("providers", error)
        raise
    except OutcomeUnknownError as error:
        outcome = "unknown"
        note_error("providers", error)
        raise
    except Exception as error:
        note_error("providers", error)
        raise
    finally:
        PROVIDER_CALL_SECONDS.labels(provider, operation).observe(perf_counter() - started)
        PROVIDER_CALLS.labels(provider, operation, outcome).inc()
