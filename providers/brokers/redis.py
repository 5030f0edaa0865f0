"""Job ids over Redis: one list a queue.

Workers block on all their queues at once, so a lone job is picked up at once and an idle worker costs one command
every few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError  # noqa: A004  the client's own, not the built-in one
from redis.retry import Retry

from domain.queue.ports import BrokerUnavailableError

if TYPE_CHECKING:
    from redis.commands.core import Script

_PREFIX: Final = "gatehouse:queue:"
_BELL: Final = "gatehouse:bell"
_TIMEOUT: Final = 3.0
"""Seconds after which a server that does not answer counts as unreachable."""

# Room is looked up and taken in one step: producers and dispatchers together never exceed the window. In pieces, as
# Lua unpacks 8,000 values at most.
_PUSH: Final = """
local room = tonumber(ARGV[1]) - redis.call('LLEN', KEYS[1])
local fit = math.min(room, #ARGV - 1)
if fit <= 0 then return 0 end
for first = 2, fit + 1, 4000 do
    redis.call('RPUSH', KEYS[1], unpack(ARGV, first, math.min(first + 3999, fit + 1)))
end
return fit
"""


def connect(url: str, *, wait: float = 0.0) -> Redis:
    """Return a client that gives up after a few seconds (plus `wait`, for commands that block) and reconnects once.

    It reconnects after a broken connection, not after a time-out: a server that hangs would cost twice the wait.
    """
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=_TIMEOUT + wait,
        socket_connect_timeout=_TIMEOUT,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
        client_name="gatehouse",
    )


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise BrokerUnavailableError(f"Redis cannot be reached ({type(error).__name__}).") from error


class RedisReceiver:
    """Takes ids from the first of its queues that holds any."""

    def __init__(self, url: str, *, longest_wait: float) -> None:
        self._client = connect(url, wait=longest_wait)

    def receive(self, queues: Sequence[str], limit: int, wait: float) -> Sequence[str]:
        """Take up to `limit` entries, waiting up to `wait` seconds for the first. Raises BrokerUnavailableError."""
        with _unavailable():
            # To Redis, a wait of 0 is one without end.
            answer = self._client.blmpop(
                max(wait, 0.001), len(queues), *(_PREFIX + q for q in queues), direction="LEFT", count=limit
            )
        return [] if answer is None else cast("list[str]", answer[1])

    def rest(self) -> None:
        """Nothing is held back here while the worker is busy."""

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class RedisTransport:
    """Queues as Redis lists."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = connect(url)
        self._push: Script = self._client.register_script(_PUSH)

    def push(self, queue: str, entries: Sequence[str], window: int) -> int:
        """Append the first entries that keep the queue within `window`; return how many."""
        with _unavailable():
            return int(cast("int", self._push(keys=[_PREFIX + queue], args=[window, *entries])))

    def depth(self, queue: str) -> int:
        """Return how many entries wait."""
        with _unavailable():
            return cast("int", self._client.llen(_PREFIX + queue))

    def missing(self, queue: str, entries: Collection[str]) -> set[str]:
        """Return those of `entries` that the list no longer holds."""
        with _unavailable():
            held = cast("list[str]", self._client.lrange(_PREFIX + queue, 0, -1))
        return set(entries).difference(held)

    def receiver(self, *, longest_wait: float) -> RedisReceiver:
        """Open a consumer with a connection of its own."""
        return RedisReceiver(self._url, longest_wait=longest_wait)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class RedisBell:
    """Wakes the dispatcher by a list of at most one element."""

    def __init__(self, url: str, *, longest_wait: float = 5.0) -> None:
        self._client = connect(url, wait=longest_wait)

    def ring(self) -> None:
        """Wake the dispatcher. Rings that come before it listens again are one."""
        try:
            pipeline = self._client.pipeline(transaction=False)
            pipeline.lpush(_BELL, "1")
            pipeline.ltrim(_BELL, 0, 0)
            pipeline.execute()
        except RedisError:
            return  # the dispatcher looks by itself every second

    def wait(self, seconds: float) -> bool:
        """Wait for a ring; return whether there was one."""
        try:
            return self._client.blpop([_BELL], timeout=seconds) is not None
        except RedisError:
            time.sleep(seconds)
            return False

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
