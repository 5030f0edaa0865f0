"""The scheduler's parts, one step at a time, and the direct way past them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from domain.kernel.database import Database
from domain.queue.enqueue import NewJob, enqueue, enqueue_many
from domain.queue.limits import LimitRule, set_limit
from domain.queue.ports import Transport, entry
from domain.queue.publish import Publisher
from providers.brokers.publishing import publish_from
from providers.brokers.redis import RedisBell
from providers.brokers.registry import build_transport
from tests.support.eventually import eventually
from tests.support.private_redis import PrivateRedis
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab
from tests.support.servers import empty_broker
from workers.connection import PlatformConnection
from workers.dispatcher import BUSY_WAIT, FULL_WAIT, IDLE_WAIT, Dispatcher
from workers.rescuer import Rescuer
from workers.upkeep import Upkeep

pytestmark = pytest.mark.integration

WINDOW = 8


@pytest.fixture
def transport(broker_url: str) -> Iterator[Transport]:
    """Give an empty broker."""
    with closing(build_transport(broker_url)) as built:
        yield built


@pytest.fixture
def dispatcher(lab: Lab, transport: Transport, redis_url: str) -> Iterator[Dispatcher]:
    """Give a dispatcher with a small window, which looks for lost ids at once."""
    connection = PlatformConnection(lab.urls.platform, "dispatcher")
    with closing(connection), closing(RedisBell(redis_url)) as bell:
        yield Dispatcher(connection, transport, bell, window=WINDOW, stale_after=0.0)


@contextmanager
def _publishing(lab: Lab, broker_url: str, redis_url: str) -> Iterator[tuple[Database, Publisher]]:
    """Give scopes whose jobs are pushed after the commit."""
    with (
        closing(Database(lab.urls.app, lab.urls.platform)) as database,
        closing(build_transport(broker_url)) as transport,
        closing(RedisBell(redis_url)) as bell,
    ):
        yield database, publish_from(database, transport, bell, window=WINDOW)


def _is_pushed(database: Database, lab: Lab) -> bool:
    with database.tenant_scope(ORG) as session:
        job_id = enqueue(session, Note(), org_id=ORG)
    return lab.job(job_id)["queued_at"] is not None


def _depth(transport: Transport, depth: int) -> None:
    eventually(lambda: transport.depth("default") == depth, what=f"A depth of {depth}")


def test_a_window_is_filled_and_the_rest_waits(lab: Lab, dispatcher: Dispatcher, transport: Transport) -> None:
    lab.backlog(ORG, 20)
    assert dispatcher.tick() == BUSY_WAIT
    _depth(transport, WINDOW)
    assert dispatcher.tick() == 2 * BUSY_WAIT
    assert transport.depth("default") == WINDOW
    waits = [dispatcher.tick() for _ in range(5)]
    assert waits[-1] == FULL_WAIT
    assert lab.value("SELECT count(*) FROM jobs WHERE queued_at IS NOT NULL") == WINDOW


def test_an_idle_dispatcher_rests_until_the_next_job_falls_due(lab: Lab, dispatcher: Dispatcher) -> None:
    assert dispatcher.tick() == IDLE_WAIT
    lab.enqueue(Note(), run_at=datetime.now(UTC) + timedelta(seconds=0.5))
    assert 0 < dispatcher.tick() <= 0.5


def test_a_job_that_falls_due_is_handed_over(lab: Lab, dispatcher: Dispatcher, transport: Transport) -> None:
    job_id = lab.enqueue(Note(), run_at=datetime.now(UTC) + timedelta(days=30))
    dispatcher.tick()
    assert transport.depth("default") == 0
    lab.execute("UPDATE jobs SET run_at = now()")
    dispatcher.tick()
    _depth(transport, 1)
    assert lab.job(job_id)["state"] == "available"


def test_each_window_begins_with_the_tenant_after_the_one_served_last(
    lab: Lab, dispatcher: Dispatcher, broker_url: str
) -> None:
    flood, lone = lab.backlog(ORG, 30), lab.backlog(OTHER_ORG, 1)
    dispatcher.tick()
    assert lab.job(lone[0])["queued_at"] is not None
    empty_broker(broker_url)
    dispatcher.tick()
    assert lab.job(flood[WINDOW])["queued_at"] is not None


def test_what_the_broker_lost_is_handed_over_again(
    lab: Lab, dispatcher: Dispatcher, transport: Transport, broker_url: str
) -> None:
    lab.backlog(ORG, 3)
    dispatcher.tick()
    _depth(transport, 3)
    empty_broker(broker_url)
    with closing(RedisBell("redis://127.0.0.1:1")) as bell:
        connection = PlatformConnection(lab.urls.platform, "another")
        with closing(connection):
            Dispatcher(connection, transport, bell, window=WINDOW, stale_after=0.0).tick()
    _depth(transport, 3)


def test_a_producer_pushes_its_jobs_once_they_are_committed(
    lab: Lab, broker_url: str, redis_url: str, transport: Transport
) -> None:
    with _publishing(lab, broker_url, redis_url) as (database, _):
        with database.tenant_scope(ORG) as session:
            job_id = enqueue(session, Note(), org_id=ORG)
            assert transport.depth("default") == 0
        _depth(transport, 1)
        assert lab.job(job_id)["queued_at"] is not None
        with pytest.raises(ZeroDivisionError), database.tenant_scope(ORG) as session:
            enqueue(session, Note(), org_id=ORG)
            raise ZeroDivisionError
        assert transport.depth("default") == 1
        with closing(transport.receiver(longest_wait=1.0)) as receiver:
            assert receiver.receive(["default"], 1, 1.0) == [entry("test.note", job_id)]


def test_a_producer_leaves_to_the_dispatcher_what_has_no_room(
    lab: Lab, broker_url: str, redis_url: str, transport: Transport
) -> None:
    with _publishing(lab, broker_url, redis_url) as (database, publisher):
        with database.tenant_scope(ORG) as session:
            for _ in range(WINDOW + 4):
                enqueue(session, Note(), org_id=ORG)
        # RabbitMQ can't say that jobs wait for their turn, so half of the window is left to the dispatcher there.
        room = WINDOW if broker_url.startswith("redis") else WINDOW // 2
        _depth(transport, room)
        assert not publisher.has_room("default")
        assert publisher.has_room("bulk")
    assert lab.value("SELECT count(*) FROM jobs WHERE queued_at IS NULL") == WINDOW + 4 - room


def test_a_producer_leaves_bulk_and_later_jobs_to_the_dispatcher_and_rings(
    lab: Lab, broker_url: str, redis_url: str, transport: Transport
) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    for batch in ([NewJob(Note()) for _ in range(65)], [NewJob(Note(), run_at=later)]):
        with _publishing(lab, broker_url, redis_url) as (database, _), closing(RedisBell(redis_url)) as bell:
            with database.tenant_scope(ORG) as session:
                enqueue_many(session, batch, org_id=ORG)
            assert bell.wait(2.0)
    assert transport.depth("default") == 0
    assert lab.value("SELECT count(*) FROM jobs WHERE queued_at IS NOT NULL") == 0


def test_a_producer_leaves_to_the_dispatcher_what_a_limit_counts_and_pushes_the_rest(
    lab: Lab, broker_url: str, redis_url: str, transport: Transport
) -> None:
    with lab.database.platform_scope() as session:
        set_limit(session, LimitRule(tenant_id=ORG, key="crm", max_running=1))
    with _publishing(lab, broker_url, redis_url) as (database, _), closing(RedisBell(redis_url)) as bell:
        with database.tenant_scope(ORG) as session:
            counted = enqueue(session, Note(), org_id=ORG, limit_key="crm")
        assert bell.wait(2.0)
        with database.tenant_scope(ORG) as session:
            free = enqueue(session, Note(), org_id=ORG)
        _depth(transport, 1)
    assert [lab.job(job_id)["queued_at"] is None for job_id in (counted, free)] == [True, False]


def test_no_push_overtakes_what_waits_for_its_turn(lab: Lab, redis_url: str) -> None:
    connection = PlatformConnection(lab.urls.platform, "dispatcher")
    with (
        _publishing(lab, redis_url, redis_url) as (first, _),
        _publishing(lab, redis_url, redis_url) as (second, _),
        closing(build_transport(redis_url)) as transport,
        closing(transport.receiver(longest_wait=1.0)) as worker,
        closing(RedisBell(redis_url)) as bell,
        closing(connection),
    ):
        with first.tenant_scope(ORG) as session:
            for _ in range(WINDOW + 1):
                enqueue(session, Note(), org_id=ORG)
        assert len(worker.receive(["default"], WINDOW, 1.0)) == WINDOW
        with second.tenant_scope(OTHER_ORG) as session:
            later = enqueue(session, Note(), org_id=OTHER_ORG)
        assert lab.job(later)["queued_at"] is None
        Dispatcher(connection, transport, bell, window=WINDOW).tick()
        assert len(worker.receive(["default"], WINDOW, 1.0)) == 2
        eventually(lambda: _is_pushed(second, lab), what="A push once nothing waits")


def test_a_producer_commits_without_a_broker(lab: Lab) -> None:
    away = PrivateRedis().url
    with _publishing(lab, away, away) as (database, publisher):
        with database.tenant_scope(ORG) as session:
            job_id = enqueue(session, Note(), org_id=ORG)
        assert not publisher.has_room("default")
        row = lab.job(job_id)
        assert (row["state"], row["queued_at"]) == ("available", None)


def test_a_worker_is_gone_when_its_heartbeat_stands_still_on_our_own_clock(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lab.run(job_id)
    lab.execute("UPDATE workers SET heartbeat_at = now() - interval '1 day'")
    connection = PlatformConnection(lab.urls.platform, "rescuer")
    with closing(connection):
        patient = Rescuer(connection)
        assert [patient.tick() for _ in range(2)] == [0, 0]
        hasty = Rescuer(connection, gone_after=0.05)
        assert hasty.tick() == 0
        lab.execute("UPDATE workers SET heartbeat_at = now() - interval '1 hour'")
        assert hasty.tick() == 0
        eventually(lambda: hasty.tick() == 1)
    assert lab.job(job_id)["state"] == "available"


def test_upkeep_measures_and_keeps_up(lab: Lab) -> None:
    connection = PlatformConnection(lab.urls.platform, "upkeep")
    with closing(connection):
        Upkeep(connection).tick()
