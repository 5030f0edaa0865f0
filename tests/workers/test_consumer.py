"""Claims whose answer is lost, and ids that nobody knows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
import pytest

from domain.queue.ports import Receiver, entry
from tests.support.queue_kinds import Note
from tests.support.queue_lab import Lab
from workers.active import Active
from workers.broker import JobConsumer
from workers.connection import PlatformConnection
from workers.presence import Presence
from workers.slots import Slots

pytestmark = pytest.mark.integration
T = TypeVar("T")


class _Entries:
    """A receiver that hands out what the test says, and does something just before."""

    def __init__(self, *batches: Sequence[str], before: Callable[[], None] = lambda: None) -> None:
        self._batches = list(batches)
        self._before = before

    def receive(self, queues: Sequence[str], limit: int, wait: float) -> Sequence[str]:
        del queues, limit, wait
        self._before()
        return self._batches.pop(0) if self._batches else []

    def rest(self) -> None:
        pass

    def close(self) -> None:
        pass


class _LossyConnection(PlatformConnection):
    """A connection that breaks after a statement was carried out and before its answer, as often as it is told."""

    losses = 0

    def run(self, action: Callable[[psycopg.Connection[Any]], T]) -> T:
        answer = super().run(action)
        if self.losses:
            self.losses -= 1
            self.close()
            raise psycopg.OperationalError
        return answer


@pytest.fixture
def connection(lab: Lab) -> _LossyConnection:
    """Give the connection that a consumer claims over."""
    return _LossyConnection(lab.urls.platform, "lossy")


@contextmanager
def _consumer(
    lab: Lab,
    connection: PlatformConnection,
    receiver: Receiver,
    slots: Slots | None = None,
    prepare: Callable[[], None] = lambda: None,
) -> Iterator[JobConsumer]:
    presence = Presence(PlatformConnection(lab.urls.platform, "presence"), queues=["default"], threads=4)
    consumer = JobConsumer(
        receiver=receiver,
        queues=["default"],
        connection=connection,
        presence=presence,
        slots=slots or Slots(4),
        active=Active(),
        database=lab.database,
        prepare=prepare,
    )
    try:
        yield consumer
    finally:
        consumer.close()
        presence.close()


def test_nothing_is_claimed_before_what_has_to_be_known_is(lab: Lab, connection: _LossyConnection) -> None:
    ids = [lab.enqueue(Note()) for _ in range(2)]
    seen: list[str] = []

    def prepare() -> None:
        seen.append(lab.job(ids[0])["state"])

    batches = [[entry("test.note", job_id)] for job_id in ids]
    with _consumer(lab, connection, _Entries(*batches), prepare=prepare) as consumer:
        assert [consumer.__next__() is not None for _ in ids] == [True, True]
    assert seen == ["available"]


def test_a_claim_whose_answer_was_lost_is_run_by_the_worker_that_won_it(lab: Lab, connection: _LossyConnection) -> None:
    ids = [lab.enqueue(Note()) for _ in range(3)]
    connection.losses = 2
    with _consumer(lab, connection, _Entries([entry("test.note", job_id) for job_id in ids])) as consumer:
        messages = [next(consumer) for _ in ids]
        assert [message.args[0].job_id for message in messages if message is not None] == ids
        assert next(consumer) is None
    assert {len(lab.attempts(job_id)) for job_id in ids} == {1}


def test_a_copy_of_what_runs_here_already_is_not_taken_for_a_lost_answer(
    lab: Lab, connection: _LossyConnection
) -> None:
    copy = [entry("test.note", lab.enqueue(Note()))]
    with _consumer(lab, connection, _Entries(copy, copy)) as consumer:
        assert next(consumer) is not None
        connection.losses = 1
        assert next(consumer) is None


def test_what_is_no_id_is_dropped(lab: Lab, connection: _LossyConnection) -> None:
    job_id = lab.enqueue(Note())
    entries = _Entries(["", "nonsense", f"test.note {uuid4()}", entry("test.note", job_id)])
    with _consumer(lab, connection, entries) as consumer:
        message = next(consumer)
        assert message is not None
        assert message.args[0].job_id == job_id
        assert next(consumer) is None


def test_a_worker_that_stops_gives_back_what_it_took_and_does_not_run(lab: Lab, connection: _LossyConnection) -> None:
    job_id = lab.enqueue(Note())
    lab.execute("UPDATE jobs SET queued_at = now()")
    slots = Slots(1)
    with _consumer(lab, connection, _Entries([entry("test.note", job_id)], before=slots.close), slots) as consumer:
        assert next(consumer) is None
    row = lab.job(job_id)
    assert (row["state"], row["queued_at"]) == ("available", None)


def test_places_are_counted_and_waited_for() -> None:
    slots = Slots(2)
    slots.take(2)
    assert slots.wait_free(0.01) == 0
    assert not slots.wait_idle(0.01)
    timer = threading.Timer(0.02, slots.give_back)
    timer.start()
    assert slots.wait_free(5) == 1
    slots.give_back()
    assert slots.wait_idle(0)
    slots.close()
    assert (slots.wait_free(5), slots.wait_idle(5), slots.closed) == (0, False, True)
    timer.join()
