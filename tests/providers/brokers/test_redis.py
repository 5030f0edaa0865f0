"""What Redis alone promises: a hard window, preference among queues, recovery, and the bell."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from redis import Redis

from domain.queue.ports import BrokerUnavailableError
from providers.brokers.redis import RedisBell, RedisTransport
from tests.support.private_redis import PrivateRedis

pytestmark = pytest.mark.integration


@pytest.fixture
def transport(redis_url: str) -> Iterator[RedisTransport]:
    """Give a transport with empty queues."""
    with closing(RedisTransport(redis_url)) as built:
        yield built


def test_producers_of_one_moment_never_exceed_the_window(transport: RedisTransport) -> None:
    def push(number: int) -> int:
        return sum(transport.push("inbound", [f"{number} {n} {m}" for m in range(7)], 50) for n in range(10))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(push, range(8))) == 50
    assert transport.depth("inbound") == 50


def test_the_queue_named_first_is_emptied_first(transport: RedisTransport) -> None:
    transport.push("outbound", ["late 1", "late 2"], 64)
    transport.push("inbound", ["first"], 64)
    with closing(transport.receiver(longest_wait=2.0)) as receiver:
        order = ["inbound", "outbound"]
        assert receiver.receive(order, 4, 0.1) == ["first"]
        assert receiver.receive(order, 4, 0.1) == ["late 1", "late 2"]


def test_a_script_that_the_server_forgot_is_loaded_again(transport: RedisTransport, redis_url: str) -> None:
    assert transport.push("inbound", ["a"], 8) == 1
    with Redis.from_url(redis_url) as client:
        client.script_flush()
    assert transport.push("inbound", ["b"], 8) == 1


def test_a_server_that_is_away_is_named_and_used_again_when_it_is_back() -> None:
    with (
        PrivateRedis() as server,
        closing(RedisTransport(server.url)) as transport,
        closing(transport.receiver(longest_wait=1.0)) as mine,
    ):
        assert transport.push("inbound", ["a"], 8) == 1
        server.stop()
        for attempt in (
            lambda: transport.push("inbound", ["b"], 8),
            lambda: transport.depth("inbound"),
            lambda: transport.missing("inbound", ["a"]),
            lambda: mine.receive(["inbound"], 1, 0.1),
        ):
            with pytest.raises(BrokerUnavailableError, match="cannot be reached") as caught:
                attempt()
            assert "127.0.0.1" not in str(caught.value)
        server.start()
        assert transport.missing("inbound", ["a"]) == {"a"}
        assert transport.push("inbound", ["c"], 8) == 1
        assert mine.receive(["inbound"], 1, 1.0) == ["c"]


def test_a_server_that_hangs_is_given_up_on() -> None:
    with PrivateRedis() as server, closing(RedisTransport(server.url)) as transport:
        transport.push("inbound", ["a"], 8)
        server.freeze()
        started = time.monotonic()
        with pytest.raises(BrokerUnavailableError):
            transport.depth("inbound")
        assert time.monotonic() - started < 5
        server.thaw()
        assert transport.depth("inbound") == 1


def test_a_ring_wakes_whoever_waits_and_rings_do_not_pile_up(redis_url: str) -> None:
    with closing(RedisBell(redis_url)) as bell, closing(RedisBell(redis_url)) as other, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bell.wait, 5.0)
        other.ring()
        assert waiting.result(5)
        for ringer in (bell, other):
            ringer.ring()
            ringer.ring()
        assert bell.wait(0.5)
        assert not bell.wait(0.05)


def test_a_bell_without_a_server_is_quiet_and_waits_the_time_out() -> None:
    server = PrivateRedis()
    with closing(RedisBell(server.url)) as bell:
        bell.ring()
        started = time.monotonic()
        assert not bell.wait(0.1)
        assert time.monotonic() - started >= 0.1
