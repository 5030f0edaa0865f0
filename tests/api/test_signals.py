"""What wakes open pages: one subscription for all, which comes back after Redis was away."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import redis.asyncio

from api.signals import Listening, Signals
from providers.signals import RedisSignals
from tests.support.private_redis import PrivateRedis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.integration
PATIENCE = 20.0


@asynccontextmanager
async def started(url: str) -> AsyncIterator[Signals]:
    """Listen at a Redis, until the block ends."""
    client = redis.asyncio.from_url(url, socket_connect_timeout=2, socket_timeout=2)
    signals = Signals(client)
    signals.start()
    try:
        yield signals
    finally:
        await signals.close()
        await client.aclose()


async def woken(listening: Listening) -> bool:
    """Wait for a wake-up; return whether it was one, and not the end of patience."""
    begun = time.monotonic()
    await listening.wait(PATIENCE)
    return time.monotonic() - begun < PATIENCE


async def subscribed(signals: Signals) -> None:
    """Wait until the subscription stands: it wakes everybody then."""
    with signals.listening("anything") as anybody:
        assert await woken(anybody)


def test_a_signal_wakes_those_who_wait_for_it_alone(redis_url: str) -> None:
    mine, other, client_id = uuid4(), uuid4(), uuid4()

    async def follow() -> None:
        async with started(redis_url) as signals:
            await subscribed(signals)
            sender = RedisSignals(redis_url)
            with (
                signals.listening(f"gatehouse:thread:{mine}") as first,
                signals.listening(f"gatehouse:thread:{mine}") as second,
                signals.listening(f"gatehouse:thread:{other}") as bystander,
                signals.listening(f"gatehouse:phone:{client_id}") as phone,
            ):
                await asyncio.to_thread(sender.changed, mine)
                assert await woken(first)
                assert await woken(second)
                await asyncio.to_thread(sender.phone_rang, client_id)
                assert await woken(phone)
                await asyncio.to_thread(sender.changed, other)
                assert await woken(bystander)
                # Nothing is left over of a wake-up that was noticed.
                begun = time.monotonic()
                await first.wait(0.05)
                assert time.monotonic() - begun >= 0.05

    asyncio.run(follow())


def test_the_subscription_comes_back_and_wakes_everybody() -> None:
    thread = uuid4()

    async def follow(server: PrivateRedis) -> None:
        async with started(server.url) as signals:
            await subscribed(signals)
            with signals.listening(f"gatehouse:thread:{thread}") as page:
                await asyncio.to_thread(server.stop)
                await asyncio.to_thread(server.start)
                # Whatever was signalled meanwhile is lost, so everybody has to look.
                assert await woken(page)
                await asyncio.to_thread(RedisSignals(server.url).changed, thread)
                assert await woken(page)

    with PrivateRedis() as server:
        asyncio.run(follow(server))
