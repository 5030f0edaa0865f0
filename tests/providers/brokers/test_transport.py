"""What each broker promises the queue, on the one that the tests run with (Redis, or RabbitMQ by its URL)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from domain.kernel.errors import InvalidInputError
from domain.queue.ports import Receiver, Transport
from providers.brokers.registry import build_transport
from tests.support.eventually import eventually
from tests.support.servers import empty_broker

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.integration

_QUEUES = ("inbound", "outbound")


@pytest.fixture
def transport(broker_url: str) -> Iterator[Transport]:
    """Give the transport with empty queues."""
    with closing(build_transport(broker_url)) as built:
        yield built


@pytest.fixture
def receiver(transport: Transport) -> Iterator[Receiver]:
    """Give one worker's consumer."""
    with closing(transport.receiver(longest_wait=2.0)) as opened:
        yield opened


def _take(receiver: Receiver, count: int, queues: Sequence[str] = _QUEUES) -> list[str]:
    """Receive until there are `count` entries."""
    taken: list[str] = []

    def enough() -> bool:
        taken.extend(receiver.receive(queues, count - len(taken), 0.2))
        return len(taken) >= count

    eventually(enough, what=f"{count} entries of {queues}")
    return taken


def _settled(transport: Transport, queue: str, depth: int) -> None:
    eventually(lambda: transport.depth(queue) == depth, what=f"A depth of {depth}")


def test_what_is_pushed_is_received_in_order_and_once(transport: Transport, receiver: Receiver) -> None:
    entries = [f"test.note {number}" for number in range(10)]
    assert transport.push("inbound", entries, 64) == 10
    _settled(transport, "inbound", 10)
    assert _take(receiver, 10) == entries
    assert list(receiver.receive(_QUEUES, 4, 0.05)) == []
    assert transport.depth("inbound") == 0


def test_no_more_is_taken_than_asked_for(transport: Transport, receiver: Receiver) -> None:
    transport.push("inbound", ["a", "b", "c"], 64)
    assert len(_take(receiver, 2)) == 2
    assert _take(receiver, 1) == ["c"]


def test_an_empty_receive_returns_after_its_wait_even_without_one(receiver: Receiver) -> None:
    assert list(receiver.receive(_QUEUES, 4, 0.1)) == []
    assert list(receiver.receive(_QUEUES, 4, 0)) == []


def test_a_waiting_receiver_is_woken_by_a_push(transport: Transport, receiver: Receiver) -> None:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(_take, receiver, 1)
        transport.push("outbound", ["a"], 64)
        assert future.result(5) == ["a"]


def test_a_push_stays_within_the_window(transport: Transport) -> None:
    assert transport.push("inbound", [str(number) for number in range(10)], 8) == 8
    _settled(transport, "inbound", 8)
    assert transport.push("inbound", ["more"], 8) == 0
    assert transport.push("inbound", ["more"], 9) == 1
    assert transport.push("outbound", ["more"], 8) == 1


def test_nothing_pushed_is_nothing(transport: Transport) -> None:
    assert transport.push("inbound", [], 8) == 0
    assert transport.depth("inbound") == 0


def test_a_large_window_is_filled_in_one_go(transport: Transport) -> None:
    entries = [str(number) for number in range(20_000)]
    assert transport.push("inbound", entries, 65_536) == 20_000
    _settled(transport, "inbound", 20_000)
    assert transport.missing("inbound", entries) == set()


def test_what_is_missing_is_named(transport: Transport, receiver: Receiver) -> None:
    transport.push("inbound", ["a", "b", "c"], 64)
    _settled(transport, "inbound", 3)
    assert transport.missing("inbound", {"a", "b", "c"}) == set()
    _take(receiver, 1)
    receiver.rest()
    _settled(transport, "inbound", 2)
    lost = transport.missing("inbound", {"a", "b", "c"})
    # A broker that cannot be searched calls all of them missing.
    assert lost in ({"a"}, {"a", "b", "c"})
    assert transport.missing("outbound", {"a"}) == {"a"}


def test_a_resting_receiver_holds_nothing_back_from_others(transport: Transport, receiver: Receiver) -> None:
    transport.push("inbound", ["a", "b", "c"], 64)
    _settled(transport, "inbound", 3)
    taken = _take(receiver, 1)
    receiver.rest()
    with closing(transport.receiver(longest_wait=2.0)) as other:
        assert sorted(taken + _take(other, 2)) == ["a", "b", "c"]


def test_queues_that_somebody_deletes_are_made_again(transport: Transport, receiver: Receiver, broker_url: str) -> None:
    transport.push("inbound", ["a"], 64)
    assert _take(receiver, 1) == ["a"]
    empty_broker(broker_url)
    for entry in ("b", "c"):
        assert transport.push("inbound", [entry], 64) == 1
        assert _take(receiver, 1) == [entry]


def test_receivers_share_what_is_there(transport: Transport) -> None:
    entries = {str(number) for number in range(200)}
    transport.push("inbound", sorted(entries), 256)
    together = threading.Barrier(3)

    def work(_: int) -> list[str]:
        with closing(transport.receiver(longest_wait=2.0)) as mine:
            together.wait()
            taken: list[str] = []
            while part := mine.receive(_QUEUES, 7, 0.5):
                taken.extend(part)
            return taken

    with ThreadPoolExecutor(3) as pool:
        taken = [entry for part in pool.map(work, range(3)) for entry in part]
    assert sorted(taken) == sorted(entries)


def test_threads_share_a_transport(transport: Transport) -> None:
    def push(number: int) -> int:
        return transport.push("inbound", [f"{number} {n}" for n in range(10)], 1_000)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(push, range(20))) == 200
    _settled(transport, "inbound", 200)


@pytest.mark.parametrize("url", ["kafka://host", "host", ""])
def test_a_broker_that_nobody_speaks_to_is_refused_with_the_settings_name(url: str) -> None:
    with pytest.raises(InvalidInputError, match="GATEHOUSE_BROKER_URL"):
        build_transport(url)
