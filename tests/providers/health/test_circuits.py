"""A provider that fails for one client is left alone for a while, by every process, and tried again by one call."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import pytest

from domain.delivery.ports import CameTo
from domain.kernel.ids import new_id
from providers.health.circuits import FAILURES
from providers.health.health import SharedHealth
from tests.support.eventually import eventually
from tests.support.private_redis import PrivateRedis

pytestmark = pytest.mark.integration
_OPEN_SECONDS = 0.2


@pytest.fixture
def health(redis_url: str) -> Iterator[SharedHealth]:
    with closing(SharedHealth(redis_url, open_seconds=_OPEN_SECONDS)) as made:
        yield made


@pytest.fixture
def elsewhere(redis_url: str) -> Iterator[SharedHealth]:
    """Give the same as another process has it."""
    with closing(SharedHealth(redis_url, open_seconds=_OPEN_SECONDS)) as made:
        yield made


@pytest.fixture
def client_id() -> UUID:
    return new_id()


def _call(health: SharedHealth, client_id: UUID, came_to: CameTo) -> bool:
    """Make one call if it is admitted; return whether it was."""
    if health.admit("p", "a", client_id) is not None:
        return False
    health.settle("p", "a", client_id, came_to)
    return True


def _open(health: SharedHealth, client_id: UUID) -> None:
    for _ in range(FAILURES):
        assert _call(health, client_id, "failed")


def test_calls_are_held_after_failures_in_a_row(health: SharedHealth, client_id: UUID) -> None:
    _open(health, client_id)
    held = health.admit("p", "a", client_id)
    assert held is not None
    assert "wait" in held.reason


def test_one_answer_between_failures_keeps_it_closed(health: SharedHealth, client_id: UUID) -> None:
    for _ in range(FAILURES * 2):
        assert _call(health, client_id, "failed")
        assert _call(health, client_id, "answered")


def test_another_client_is_not_held(health: SharedHealth, client_id: UUID) -> None:
    _open(health, client_id)
    assert _call(health, new_id(), "answered")


def test_a_refusal_of_the_account_opens_it_at_once(health: SharedHealth, client_id: UUID) -> None:
    assert _call(health, client_id, "refused")
    assert health.admit("p", "a", client_id) is not None


def test_another_process_holds_its_calls_as_well(
    health: SharedHealth, elsewhere: SharedHealth, client_id: UUID
) -> None:
    _open(health, client_id)
    assert elsewhere.admit("p", "a", client_id) is not None


def test_one_call_at_a_time_tries_an_open_circuit(
    health: SharedHealth, elsewhere: SharedHealth, client_id: UUID
) -> None:
    _open(health, client_id)
    eventually(lambda: health.admit("p", "a", client_id) is None, what="A try")
    assert elsewhere.admit("p", "a", client_id) is not None
    health.settle("p", "a", client_id, "answered")
    assert _call(health, client_id, "answered")
    eventually(lambda: _call(elsewhere, client_id, "answered"), what="The other process sees it closed")


def test_a_failed_try_opens_it_again(health: SharedHealth, client_id: UUID) -> None:
    _open(health, client_id)
    eventually(lambda: _call(health, client_id, "failed"), what="A try")
    assert health.admit("p", "a", client_id) is not None


def test_a_try_that_came_to_no_call_leaves_the_try_to_another(health: SharedHealth, client_id: UUID) -> None:
    _open(health, client_id)
    eventually(lambda: _call(health, client_id, "not_called"), what="A try")
    eventually(lambda: _call(health, client_id, "answered"), what="Another try")


def test_without_redis_each_process_keeps_its_own(client_id: UUID) -> None:
    with PrivateRedis() as server, closing(SharedHealth(server.url, open_seconds=_OPEN_SECONDS)) as health:
        server.stop()
        _open(health, client_id)
        assert health.admit("p", "a", client_id) is not None
        eventually(lambda: _call(health, client_id, "answered"), what="A try")
        assert _call(health, client_id, "answered")


def test_a_redis_that_hangs_costs_half_a_second_once(client_id: UUID) -> None:
    with PrivateRedis() as server, closing(SharedHealth(server.url)) as health:
        assert _call(health, client_id, "answered")
        server.freeze()
        done = threading.Event()

        def send() -> None:
            for _ in range(50):
                _call(health, new_id(), "answered")
            done.set()

        threading.Thread(target=send, daemon=True).start()
        assert done.wait(5)
        server.thaw()


def test_open_circuits_are_listed_until_they_close(health: SharedHealth, client_id: UUID) -> None:
    _open(health, client_id)
    assert list(health.open_circuits()) == [("p", client_id)]
    eventually(lambda: _call(health, client_id, "answered"), what="A try")
    assert not health.open_circuits()
