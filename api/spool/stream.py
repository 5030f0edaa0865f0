"""The spool in a Redis stream, on a server that keeps what it is told: with an append-only file and without eviction.

The server confirms each group of entries by `WAITAOF` (Valkey, Redis from 7.2 on): they are on its disk by then.
Without all of that the spool is in files.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, cast

import redis.asyncio
from redis.asyncio.lock import Lock
from redis.backoff import NoBackoff
from redis.exceptions import LockError, RedisError
from redis.retry import Retry

from domain.kernel.errors import GatehouseError

STREAM: Final = "gatehouse:spool"
REJECTED: Final = "gatehouse:spool:rejected"
DRAINER: Final = "gatehouse:spool:drainer"
_DRAINER_SECONDS: Final = 15.0
_FIELD: Final = b"entry"
_CONFIRM_MILLISECONDS: Final = 2_500
"""A server that synchronizes every second confirms within two."""
_ANSWER_SECONDS: Final = 3.5
_TRUSTED_SECONDS: Final = 10.0
"""For how long a server that kept things once is not asked again whether it does."""

EntryId = tuple[int, int]


class NotKeptError(GatehouseError):
    """The server does not keep what it is told, or does not say that it has."""


class StreamStore:
    """The stream, for one event loop. Its methods raise NotKeptError or RedisError when the server is of no use."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.from_url(
            url, socket_connect_timeout=1, socket_timeout=_ANSWER_SECONDS, retry=Retry(NoBackoff(), 0)
        )
        self._trusted_until = float("-inf")
        self._last: EntryId | None = None
        self._lock: Lock | None = None

    async def append(self, entries: Sequence[bytes]) -> None:
        """Return once all entries are on the server's disk. After an error some of them may be there all the same."""
        if time.monotonic() > self._trusted_until:
            await self.check()
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry in entries:
                pipe.xadd(STREAM, {_FIELD: entry})
            # Speaks of this connection's writes, which a pipeline keeps together.
            pipe.execute_command("WAITAOF", 1, 0, _CONFIRM_MILLISECONDS)
            *ids, confirmed = await pipe.execute()
        self._last = _parsed(ids[-1])
        if not confirmed or int(confirmed[0]) < 1:
            raise NotKeptError("Redis did not confirm in time that the entries are on its disk.")

    async def check(self) -> None:
        """Raise unless this server keeps what it is told."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.info("persistence")
            pipe.info("memory")
            pipe.execute_command("WAITAOF", 0, 0, 1)  # refused by a server that does not know it
            persistence, memory, _ = await pipe.execute()
        if int(persistence.get("aof_enabled", 0)) != 1:
            raise NotKeptError("Redis has no append-only file.")
        if persistence.get("aof_last_write_status", "ok") != "ok":
            raise NotKeptError("Redis can't write its append-only file.")
        evicts = str(memory.get("maxmemory_policy", "noeviction")) != "noeviction"
        if evicts and int(memory.get("maxmemory", 0)) > 0:
            raise NotKeptError("Redis may evict what it is told.")
        self._trusted_until = time.monotonic() + _TRUSTED_SECONDS

    def distrust(self) -> None:
        """Ask the server anew before it is trusted again."""
        self._trusted_until = float("-inf")

    async def head(self, count: int) -> Sequence[tuple[bytes, bytes]]:
        """Return the oldest entries, oldest first, each with its id."""
        found = await self._redis.xrange(STREAM, count=count)
        return [(entry_id, fields.get(_FIELD, b"")) for entry_id, fields in found or ()]

    async def remove(self, ids: Sequence[bytes], rejected: Sequence[bytes] = ()) -> None:
        """Remove entries that the database holds now, and keep aside those that it can't take."""
        async with self._redis.pipeline(transaction=True) as pipe:
            for entry in rejected:
                pipe.xadd(REJECTED, {_FIELD: entry})
            pipe.xdel(STREAM, *ids)
            await pipe.execute()

    async def size(self) -> int:
        """Return how many entries wait."""
        return int(await self._redis.xlen(STREAM))

    async def lag(self) -> int:
        """Return how old (in milliseconds, at least 1) the oldest entry was when this process put in its last one.

        0 when all that this process has put in is out again.
        """
        oldest = await self._redis.xrange(STREAM, count=1)
        if not oldest or self._last is None:
            return 0
        first = _parsed(oldest[0][0])
        return max(1, self._last[0] - first[0]) if first <= self._last else 0

    @asynccontextmanager
    async def drainer(self) -> AsyncIterator[bool]:
        """Give whether this process is the one that brings the stream in, for as long as the block lasts."""
        lock = self._redis.lock(DRAINER, timeout=_DRAINER_SECONDS, blocking=False)
        if not await lock.acquire():
            yield False
            return
        self._lock = lock
        try:
            yield True
        finally:
            self._lock = None
            # Otherwise it runs out by itself; two drainers do no harm.
            with suppress(LockError, RedisError):
                await lock.release()

    async def go_on(self) -> None:
        """Say that this process still brings the stream in."""
        if self._lock is not None:
            await cast("Any", self._lock).reacquire()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


def _parsed(entry_id: bytes) -> EntryId:
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number)
