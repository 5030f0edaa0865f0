"""The sandbox of webhooks: takes every event and calls nobody, so that a demo reaches no system outside."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from domain.webhooks.ports import Answer, WebhookCaller


class SandboxWebhooks:
    """A WebhookCaller that checks URLs as the real one does and answers 202 in its place."""

    def __init__(self, real: WebhookCaller) -> None:
        self._real = real

    def objection(self, url: str) -> str | None:
        """Return why the real one would never call this URL."""
        return self._real.objection(url)

    def call(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Call nobody."""
        del url, headers, body
        return Answer(HTTPStatus.ACCEPTED, 0, "Demo safe mode: nothing was called.")
