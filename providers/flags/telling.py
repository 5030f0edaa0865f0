"""Tell all processes by Redis that a flag changed, once that is committed."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

import structlog
from redis.exceptions import RedisError

from domain.flags.ports import CHANGED_KEY
from providers.brokers.redis import connect

if TYPE_CHECKING:
    from redis import Redis

    from domain.kernel.database import Database

CHANNEL: Final = "gatehouse:flags"
_log = structlog.get_logger(__name__)


def tell_after_commit(database: Database, redis_url: str, also: Callable[[], None] = lambda: None) -> Redis:
    """Have every transaction of a database that changes a flag told of, and `also` called; return the client used."""
    client = connect(redis_url)

    def told(info: MutableMapping[Any, Any]) -> None:
        if info.pop(CHANGED_KEY, None):
            also()
            _tell(client)

    database.on_commit(told)
    return client


def _tell(client: Redis) -> None:
    try:
        client.publish(CHANNEL, "1")
    except RedisError as error:
        # Whom it does not reach looks by itself.
        _log.warning("flags.untold", error=type(error).__name__)
