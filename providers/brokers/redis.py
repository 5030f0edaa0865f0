"""Job ids over Redis: one list a queue.

Workers block on all their queues at once, so a lone job is picked up at once and an idle worker costs one command
every few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError  # noqa: A004  the client's own, not the built-in one
from redis.retry import Retry

from domain.queue.ports import BrokerUnavailableError, Flow

if TYPE_CHECKING:
    from redis.commands.core import Script

_PREFIX: Final = "gatehouse:queue:"
_PUSHED: Final = "gatehouse:pushed:"
_WAITS: Final = "gatehouse:waits:"
_WINDOW: Final = "gatehouse:window:"
_WAITS_MS: Final = 2_000
_WINDOW_MS: Final = 10_000
"""Milliseconds after which producers forget what a dispatcher said that is gone."""
_BELL: Final = "gatehouse:bell"
_TIMEOUT: Final = 3.0
"""Seconds after which a server that does not answer counts as unreachable."""

# Room is looked up and taken in one step: producers and dispatchers together never exceed the window. In pieces, as
# Lua unpacks 8,000 values at most.
_FIT: Final = """
local function fit(window, first)
    local room = window - redis.call('LLEN', KEYS[1])
    local count = math.min(room, #ARGV - first + 1)
    if count <= 0 then return 0 end
    for from = first, first + count - 1, 4000 do
        redis.call('RPUSH', KEYS[1], unpack(ARGV, from, math.min(from + 3999, first + count - 1)))
    end
    redis.call('INCRBY', KEYS[2], count)
    return count
end
"""
_PUSH: Final = (
    _FIT
    + """
local count = fit(tonumber(ARGV[1]), 5)
redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[3])
if ARGV[4] == '1' or count < #ARGV - 4 then
    redis.call('SET', KEYS[3], 1, 'PX', ARGV[2])
else
    redis.call('DEL', KEYS[3])
end
return count
"""
)
_OFFER: Final = (
    _FIT
    + """
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
local window = tonumber(ARGV[1])
local count = fit(math.min(window, tonumber(redis.call('GET', KEYS[4]) or window)), 3)
if count < #ARGV - 2 then redis.call('SET', KEYS[3], 1, 'PX', ARGV[2]) end
return count
"""
)


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
        self._offer: Script = self._client.register_script(_OFFER)

    def push(self, queue: str, entries: Sequence[str], window: int, *, more: bool = False) -> int:
        """Append the first entries that keep the queue within `window`; return how many."""
        args: list[str | int] = [window, _WAITS_MS, _WINDOW_MS, int(more), *entries]
        with _unavailable():
            return int(cast("int", self._push(keys=self._keys(queue), args=args)))

    def offer(self, queue: str, entries: Sequence[str], window: int) -> int:
        """Append entries as a producer, none while jobs wait for the dispatcher; return how many."""
        with _unavailable():
            return int(cast("int", self._offer(keys=self._keys(queue), args=[window, _WAITS_MS, *entries])))

    def steer(self, queue: str, *, waits: bool | None = None, window: int | None = None) -> None:
        """Tell producers whether jobs wait for the dispatcher, and how far they may fill the queue."""
        with _unavailable(), self._client.pipeline(transaction=False) as pipeline:
            if waits:
                pipeline.set(_WAITS + queue, 1, px=_WAITS_MS)
            elif waits is False:
                pipeline.delete(_WAITS + queue)
            if window is not None:
                pipeline.set(_WINDOW + queue, window, px=_WINDOW_MS)
            pipeline.execute()

    def flow(self, queues: Sequence[str]) -> Mapping[str, Flow]:
        """Return how queues move."""
        with _unavailable(), self._client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.llen(_PREFIX + queue)
                pipeline.get(_PUSHED + queue)
            found = pipeline.execute()
        return {
            queue: Flow(int(depth), int(pushed or 0))
            for queue, depth, pushed in zip(queues, found[::2], found[1::2], strict=True)
        }

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

    @staticmethod
    def _keys(queue: str) -> list[str]:
        return [_PREFIX + queue, _PUSHED + queue, _WAITS + queue, _WINDOW + queue]


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
