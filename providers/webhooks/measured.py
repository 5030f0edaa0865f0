"""Counts and times the calls of webhooks."""

from __future__ import annotations

from collections.abc import Mapping

from config.telemetry import PROVIDER_CALL_SECONDS, PROVIDER_CALLS
from config.tracing import TRACING
from domain.webhooks.ports import Answer, WebhookCaller


class MeasuredWebhooks:
    """A WebhookCaller around another one; outcomes `2xx`, `3xx`, `4xx`, `5xx` and `no_answer`."""

    def __init__(self, inner: WebhookCaller) -> None:
        self._inner = inner

    def objection(self, url: str) -> str | None:
        """Return why this URL is never called."""
        return self._inner.objection(url)

    def call(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST once."""
        with TRACING.call("webhooks", "call") as traced:
            answer = self._inner.call(url, headers, body)
            traced.word = outcome = "no_answer" if answer.status is None else f"{answer.status // 100}xx"
            traced.failed = outcome != "2xx"
        PROVIDER_CALL_SECONDS.labels("webhooks", "call").observe(answer.milliseconds / 1000)
        PROVIDER_CALLS.labels("webhooks", "call", outcome).inc()
        return answer
