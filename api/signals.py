"""What wakes open pages: the signals of `providers.signals`, over one Redis subscription a process.

A signal may be lost (Redis away, a subscription that breaks): whoever waits also looks by itself every few seconds.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import structlog
from redis.exceptions import RedisError

from domain.kernel.recent_errors import note_error
from providers.signals import LIVE, PHONE, THREAD

if TYPE_CHECKING:
    from redis.asyncio import Redis

LOOK_EVERY: Final = 2.0
"""Seconds after which a page looks into the database without having been woken."""
_AGAIN_AFTER: Final = 1.0
_CANCEL_AGAIN_AFTER: Final = 0.05
_LISTEN_FOR: Final = 30.0
_log = structlog.get_logger(__name__)


class Listening:
    """One page that waits for its channel."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Let the next (or present) wait end."""
        self._event.set()

    async def wait(self, longest: float = LOOK_EVERY) -> None:
        """Wait for a signal, but no longer than `longest` seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), longest)
        self._event.clear()


class Signals:
    """Hands the signals that Redis brings to the pages that wait for them. Lives on one event loop."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._listening: defaultdict[str, set[Listening]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._heard: Callable[[bytes | None], None] | None = None
        self.connected = False
        """Whether signals are heard now."""

    def hear(self, heard: Callable[[bytes | None], None]) -> None:
        """Have what is signalled on LIVE handed over, and None when something may have been missed."""
        self._heard = heard

    def start(self) -> None:
        """Subscribe, now and whenever the subscription breaks."""
        self._task = asyncio.create_task(self._listen(), name="signals")

    async def close(self) -> None:
        """Stop listening."""
        while self._task is not None and not self._task.done():
            # A cancellation that meets an answer of Redis half-way gets lost inside its client: ask until it is done.
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_CANCEL_AGAIN_AFTER)

    @contextmanager
    def listening(self, channel: str) -> Iterator[Listening]:
        """Hear what is signalled on a channel while the block lasts."""
        one = Listening()
        self._listening[channel].add(one)
        try:
            yield one
        finally:
            self._listening[channel].discard(one)
            if not self._listening[channel]:
                del self._listening[channel]

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.psubscribe(f"{THREAD}*", f"{PHONE}*", LIVE)
                    self.connected = True
                    self._wake_all()  # Whatever was signalled while nobody listened.
                    while True:
                        message = await subscription.get_message(ignore_subscribe_messages=True, timeout=_LISTEN_FOR)
                        if message is None:
                            await subscription.ping()  # Finds out that the other side is gone.
                        elif message["type"] == "pmessage":
                            self._take(message["channel"].decode(), message["data"])
            except (RedisError, OSError) as error:
                note_error("redis", error)
                _log.warning("signals.interrupted", error=type(error).__name__)
            self.connected = False
            await asyncio.sleep(_AGAIN_AFTER)

    def _take(self, channel: str, content: bytes) -> None:
        if channel != LIVE:
            self._wake(channel)
        elif self._heard is not None:
            self._heard(content)

    def _wake(self, channel: str) -> None:
        for one in self._listening.get(channel, ()):
            one.wake()

    def _wake_all(self) -> None:
        for ones in self._listening.values():
            for one in ones:
                one.wake()
        if self._heard is not None:
            self._heard(None)
