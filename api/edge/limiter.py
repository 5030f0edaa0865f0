"""Counts what callers ask for, in Redis over a moving window by the `limits` library, shared by all processes.

While Redis is away each process counts for itself: the usual quota, a quarter of it where somebody may be guessing, and
not at all where a customer's message is worth more than the count.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from api.errors import ProblemError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_WITHIN: Final = 1.0
"""Seconds that a request waits for Redis at most."""
_AWAY_SECONDS: Final = 2.0
"""After a failure Redis is left alone for so long, so that not every request waits for it."""
_MOST_KEYS: Final = 20_000
_STRICTER: Final = 4
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rate:
    """`quota` requests in any `seconds`.

    `strict`: for what somebody may be guessing at, or others pay for. `lenient`: nothing is refused without Redis.
    """

    name: str
    quota: int
    seconds: int = 60
    strict: bool = False
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands with a rate. `wait`: seconds until the window, or the oldest request in it, is over."""

    rate: Rate
    allowed: bool
    remaining: int
    wait: int

    def require(self) -> None:
        """Raise ProblemError (429) when it was too much."""
        if not self.allowed:
            raise ProblemError(
                429,
                "That was a lot in a short time. Please wait a moment.",
                kind="too-many",
                headers={"retry-after": str(self.wait)},
            )


class Limiter:
    """Counts on one event loop. Until it is given a Redis it counts in this process alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._local = LocalCounts()
        self._shared: MovingWindowRateLimiter | None = None
        self._away_until = 0.0

    def share(self, redis: Redis) -> None:
        """Count in a Redis from now on."""
        storage = RedisStorage(
            "async+redis://",  # Not used: the pool knows where.
            implementation="redispy",
            wrap_exceptions=True,
            key_prefix="gatehouse:limit",
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # any option is handed to the client
        )
        self._shared = MovingWindowRateLimiter(storage)

    async def count(self, rate: Rate, *key: str, exact: bool = True) -> Standing:
        """Count one request of `key` and say how it stands.

        `exact`: also how much is left of what is allowed, for a second question to Redis; otherwise that says nothing.
        """
        if self._shared is not None and self._clock() >= self._away_until:
            try:
                async with asyncio.timeout(_WITHIN):
                    return await self._count_shared(self._shared, rate, key, exact=exact)
            except (StorageError, TimeoutError) as error:
                self._away_until = self._clock() + _AWAY_SECONDS
                _log.warning("limits.redis_away", rate=rate.name, error=type(error).__name__)
        if rate.lenient:
            return Standing(rate, allowed=True, remaining=rate.quota, wait=rate.seconds)
        return self._local.count(rate, key, self._clock())

    async def _count_shared(
        self, shared: MovingWindowRateLimiter, rate: Rate, key: tuple[str, ...], *, exact: bool
    ) -> Standing:
        item = RateLimitItemPerSecond(rate.quota, rate.seconds, namespace=rate.name)
        allowed = await shared.hit(item, *key)
        if allowed and not exact:
            return Standing(rate, allowed=True, remaining=rate.quota, wait=rate.seconds)
        stats = await shared.get_window_stats(item, *key)
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        return Standing(rate, allowed=allowed, remaining=stats.remaining if allowed else 0, wait=wait)


class LocalCounts:
    """Counts in fixed windows in this process, of so many keys that hostile ones can't fill it."""

    def __init__(self) -> None:
        self._windows: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()

    def count(self, rate: Rate, key: tuple[str, ...], now: float) -> Standing:
        """Count one request. `now`: seconds of a clock that only goes on."""
        quota = max(1, rate.quota // _STRICTER) if rate.strict else rate.quota
        place = (rate.name, *key)
        begun, count = self._windows.get(place, (now, 0))
        if now - begun >= rate.seconds:
            begun, count = now, 0
        count += 1
        self._windows[place] = (begun, count)
        self._windows.move_to_end(place)
        if len(self._windows) > _MOST_KEYS:
            self._windows.popitem(last=False)
        wait = max(1, math.ceil(begun + rate.seconds - now))
        return Standing(rate, allowed=count <= quota, remaining=max(0, quota - count), wait=wait)
