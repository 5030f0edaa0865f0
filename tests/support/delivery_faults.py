"""Providers for tests that do something besides sending: the worker dies, the run is lost, time passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from domain.delivery.ports import Accepted, OutgoingSms, Report, SmsProvider


class WorkerDied(BaseException):
    """The worker is gone at this instant. Not an error, because nothing may handle it."""


class Meanwhile:
    """An SmsProvider that does something just before, or just after, another one sends."""

    def __init__(
        self, inner: SmsProvider, *, before: Callable[[], None] | None = None, after: Callable[[], None] | None = None
    ) -> None:
        self._inner = inner
        self._before = before
        self._after = after

    @property
    def name(self) -> str:
        """The name of the provider inside."""
        return self._inner.name

    @property
    def account(self) -> str:
        """The account of the provider inside."""
        return self._inner.account

    def send(self, sms: OutgoingSms) -> Accepted:
        """Send."""
        if self._before:
            self._before()
        accepted = self._inner.send(sms)
        if self._after:
            self._after()
        return accepted

    def find(self, sms: OutgoingSms, since: datetime) -> Sequence[Accepted]:
        """Find."""
        return self._inner.find(sms, since)

    def fetch(self, provider_id: str) -> Report | None:
        """Fetch."""
        return self._inner.fetch(provider_id)


def die() -> None:
    """Kill the worker."""
    raise WorkerDied
