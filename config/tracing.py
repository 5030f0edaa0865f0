"""Traces of messages, by OpenTelemetry, where the extra `otel` is installed and an endpoint is set; else nothing.

No trace context travels with a job. A trace's id is the correlation id of a message, and the ids of its spans are
derived from what they are about, so that every process knows the parents of its spans by itself.
"""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Protocol
    from uuid import UUID

    from config.settings import Settings
    from config.spans import Spans

    class TracedRun(Protocol):
        """What is read of a claimed job."""

        @property
        def id(self) -> UUID: ...  # noqa: D102
        @property
        def org_id(self) -> UUID: ...  # noqa: D102
        @property
        def kind(self) -> str: ...  # noqa: D102
        @property
        def queue(self) -> str: ...  # noqa: D102
        @property
        def attempt(self) -> int: ...  # noqa: D102
        @property
        def correlation_id(self) -> UUID | None: ...  # noqa: D102
        @property
        def started_at(self) -> datetime: ...  # noqa: D102
        @property
        def waited(self) -> float: ...  # noqa: D102


_STANDARD: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_log = structlog.get_logger(__name__)


class Outcome:
    """Takes the word for what a traced piece of work came to, for its span."""

    __slots__ = ("failed", "word")

    def __init__(self) -> None:
        self.word = ""
        self.failed = False


class Tracing:
    """The spans of this process, once `begin` was called; until then its methods do nothing, at no cost."""

    def __init__(self) -> None:
        self._spans: Spans | None = None

    def begin(self, settings: Settings, role: str) -> bool:
        """Trace from now on when the settings, or OpenTelemetry's own variables, name an endpoint; return whether."""
        endpoint = settings.otel.endpoint
        if endpoint is None and not any(os.environ.get(name) for name in _STANDARD):
            return False
        try:
            from config.spans import Spans  # noqa: PLC0415 - 0.2 s that processes without an endpoint do not pay
        except ImportError:
            _log.warning("tracing.not_installed", todo="Install gatehouse[otel], or leave the endpoint out.")
            return False
        self._spans = Spans(endpoint, role, settings.environment, settings.otel.sample_ratio)
        return True

    def end(self) -> None:
        """Send what waits, and trace no more."""
        spans, self._spans = self._spans, None
        if spans is not None:
            spans.close()

    def ingested(self, correlation_id: UUID, route: str, method: str, status: int, seconds: float) -> None:
        """Record the request that brought a message in, which has just been answered: the root of its trace."""
        if self._spans is not None:
            self._spans.ingested(correlation_id, route, method, status, time.time_ns() - round(seconds * 1e9))

    def job(self, run: TracedRun) -> AbstractContextManager[Outcome]:
        """Trace one run of a job, and how long it waited for the dispatcher and a worker before."""
        return nullcontext(Outcome()) if self._spans is None else self._spans.job(run)

    def call(self, provider: str, operation: str) -> AbstractContextManager[Outcome]:
        """Trace one call of a provider, within the run that makes it."""
        return nullcontext(Outcome()) if self._spans is None else self._spans.call(provider, operation)


TRACING: Final = Tracing()
"""This process's."""
