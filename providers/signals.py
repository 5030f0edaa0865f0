"""Signals over Redis that something on a page has changed. They carry no content: the page reads what is committed."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from providers.brokers.redis import connect

THREAD: Final = "gatehouse:thread:"
"""Followed by the conversation's id."""
PHONE: Final = "gatehouse:phone:"
"""Followed by the id of the client whose sandbox has a new text."""
_log = structlog.get_logger(__name__)


class RedisSignals:
    """Publishes signals. Nobody waits for one in vain: pages also look by themselves every few seconds."""

    def __init__(self, url: str) -> None:
        self._client = connect(url)

    def changed(self, conversation_id: UUID) -> None:
        """Signal that a conversation has a new message."""
        self._publish(f"{THREAD}{conversation_id}")

    def phone_rang(self, client_id: UUID) -> None:
        """Signal that a client's sandbox took a text."""
        self._publish(f"{PHONE}{client_id}")

    def _publish(self, channel: str) -> None:
        try:
            self._client.publish(channel, "1")
        except RedisError as error:
            _log.warning("signal_lost", error=type(error).__name__)
