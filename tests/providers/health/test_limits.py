"""Calls at once are unlimited until the provider asks for fewer; then over all processes, and lifted in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID

import pytest

from domain.kernel.ids import new_id
from providers.health.health import SharedHealth
from providers.health.limits import CEILING
from tests.support.eventually import eventually
from tests.support.private_redis import PrivateRedis

pytestmark = pytest.mark.integration
CLIENT: UUID = new_id()
AT_ONCE = 8
LEASE = 0.5


@pytest.fixture
def health(redis_url: str) -> Iterator[SharedHealth]:
    with closing(SharedHealth(redis_url)) as made:
        yield made


def _at_once(healths: list[SharedHealth], on_all_in: Callable[[SharedHealth], None]) -> int:
    """Ask for one call in each of several threads at once; return how many were admitted, and settle them."""
    asked = threading.Barrier(len(healths))

    def call(health: SharedHealth) -> bool:
        admitted = health.admit("p", "a", CLIENT) is None
        asked.wait(10)
        if admitted:
            on_all_in(health)
        return admitted

    with ThreadPoolExecutor(len(healths)) as pool:
        return sum(pool.map(call, healths))


def _answered(health: SharedHealth) -> None:
    health.settle("p", "a", CLIENT, "answered")


def _throttled(health: SharedHealth) -> None:
    health.settle("p", "a", CLIENT, "throttled")


def test_nothing_is_limited_that_was_not_throttled(health: SharedHealth) -> None:
    assert _at_once([health] * AT_ONCE, _answered) == AT_ONCE


def test_a_bunch_of_throttled_calls_halves_the_calls_at_once(health: SharedHealth) -> None:
    _at_once([health] * AT_ONCE, _throttled)
    assert 1 <= _at_once([health] * AT_ONCE, _answered) <= AT_ONCE // 2


def test_the_limit_counts_over_all_processes(redis_url: str) -> None:
    with closing(SharedHealth(redis_url)) as one, closing(SharedHealth(redis_url)) as other:
        _at_once([one] * AT_ONCE, _throttled)
        assert 1 <= _at_once([one, other] * AT_ONCE, _answered) <= AT_ONCE // 2


def test_it_grows_with_what_is_answered_until_it_is_lifted(health: SharedHealth) -> None:
    _at_once([health] * AT_ONCE, _throttled)
    for _ in range(CEILING * CEILING):
        assert health.admit("p", "a", CLIENT) is None
        health.settle("p", "a", CLIENT, "answered")
    assert _at_once([health] * AT_ONCE, _answered) == AT_ONCE


def test_places_come_back_from_calls_that_failed_or_were_not_made(health: SharedHealth) -> None:
    _at_once([health] * 2, _throttled)
    for _ in range(3):
        assert health.admit("p", "a", CLIENT) is None
        health.settle("p", "a", CLIENT, "not_called")
        assert health.admit("p", "a", CLIENT) is None
        health.settle("p", "a", CLIENT, "failed")


def test_another_account_is_not_limited(health: SharedHealth) -> None:
    _at_once([health] * 2, _throttled)
    assert all(health.admit("p", "another", CLIENT) is None for _ in range(AT_ONCE))


def test_without_redis_each_process_limits_itself() -> None:
    with PrivateRedis() as server, closing(SharedHealth(server.url)) as health:
        server.stop()
        _at_once([health] * AT_ONCE, _throttled)
        assert 1 <= _at_once([health] * AT_ONCE, _answered) <= AT_ONCE // 2


def test_a_place_is_kept_while_the_call_is_under_way_and_soon_free_when_its_process_is_gone(redis_url: str) -> None:
    with closing(SharedHealth(redis_url)) as lasting, closing(SharedHealth(redis_url, lease_seconds=LEASE)) as mortal:
        for _ in range(3):
            _at_once([mortal] * 2, _throttled)
        assert mortal.admit("p", "a", CLIENT) is None
        until = time.monotonic() + 3 * LEASE
        while time.monotonic() < until:
            assert lasting.admit("p", "a", CLIENT) is not None
        mortal.close()
        eventually(lambda: lasting.admit("p", "a", CLIENT) is None, within=5, what="The place")
