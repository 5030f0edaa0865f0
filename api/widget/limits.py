"""How much a visitor and a bot may do a minute, counted in Redis over a moving window by the `limits` library.

Without Redis everything passes: a customer's message is worth more than a count.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from api.errors import ProblemError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_WITHIN: Final = 1.0
"""Seconds that a request waits for Redis at most."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests a minute. An address may be a whole office, so it gets more than one conversation."""

    messages_of_conversation: int = 20
    messages_of_address: int = 60
    messages_to_bot: int = 1_200
    readings_of_address: int = 600


class Limits:
    """Counts requests and refuses those that are too many."""

    def __init__(self, redis: Redis, rates: Rates | None = None) -> None:
        self._rates = rates or Rates()
        storage = RedisStorage(
            "async+redis://",  # Not used: the pool knows where.
            implementation="redispy",
            wrap_exceptions=True,
            key_prefix="gatehouse:limit",
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # any option is handed to the client
        )
        self._limiter = MovingWindowRateLimiter(storage)

    async def count_message(self, *, address: str, bot: str, conversation: str | None) -> None:
        """Count a message. Raises ProblemError (429)."""
        counts = [("address", address, self._rates.messages_of_address), ("bot", bot, self._rates.messages_to_bot)]
        if conversation is not None:
            counts.insert(0, ("conversation", conversation, self._rates.messages_of_conversation))
        for of, who, rate in counts:
            await self._count(RateLimitItemPerMinute(rate, namespace="message"), of, who)

    async def count_reading(self, *, address: str) -> None:
        """Count a look at a bot or a thread. Raises ProblemError (429)."""
        await self._count(
            RateLimitItemPerMinute(self._rates.readings_of_address, namespace="reading"), "address", address
        )

    async def _count(self, limit: RateLimitItem, of: str, who: str) -> None:
        try:
            async with asyncio.timeout(_WITHIN):
                if await self._limiter.hit(limit, of, who):
                    return
                wait = (await self._limiter.get_window_stats(limit, of, who)).reset_time - time.time()
        except (StorageError, TimeoutError) as error:
            _log.warning("widget.uncounted", of=of, error=type(error).__name__)
            return
        raise ProblemError(
            429,
            "That was a lot in a short time. Please wait a moment.",
            kind="too-many",
            headers={"retry-after": str(max(1, math.ceil(wait)))},
        )
