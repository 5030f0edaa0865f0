"""Signals over Redis that something on a page has changed. They say no more: the page reads what is committed."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from providers.brokers.redis import connect

if TYPE_CHECKING:
    from domain.statistics.ports import Change

THREAD: Final = "gatehouse:thread:"
"""Followed by the conversation's id."""
PHONE: Final = "gatehouse:phone:"
"""Followed by the id of the client whose sandbox has a new text."""
LIVE: Final = "gatehouse:live"
"""What there is news of, as JSON: a list of topic, organization and client or null; an empty one for anything."""
MOST_CHANGES: Final = 500
"""More than that at once are told as anything."""
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

    def changes(self, changes: Collection[Change]) -> None:
        """Signal what there is news of."""
        told = [] if len(changes) > MOST_CHANGES else [[one.topic, str(one.org_id), _id(one)] for one in changes]
        self._publish(LIVE, json.dumps(told))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _publish(self, channel: str, content: str = "1") -> None:
        try:
            self._client.publish(channel, content)
        except RedisError as error:
            _log.warning("signal_lost", error=type(error).__name__)


def _id(change: Change) -> str | None:
    return None if change.client_id is None else str(change.client_id)
