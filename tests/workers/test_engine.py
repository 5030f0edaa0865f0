"""A worker that starts, stops, is flooded, declared dead, or loses its broker."""

from __future__ import annotations

import pytest

from tests.support.eventually import eventually
from tests.support.queue_lab import ORG, OTHER_ORG, Lab
from tests.support.servers import empty_broker
from tests.support.worker_floor import Floor
from tests.support.worker_kinds import Hold, Mark, ran, release, wait_started

pytestmark = pytest.mark.integration


def test_a_worker_that_stops_finishes_what_runs(lab: Lab, floor: Floor) -> None:
    job_id = lab.enqueue(Hold(floor.redis_url))
    with floor.scheduler(), floor.worker():
        wait_started(floor.redis_url)
        release(floor.redis_url)
    assert lab.job(job_id)["state"] == "completed"


def test_what_does_not_end_in_time_is_handed_back_and_another_worker_finishes_it(lab: Lab, floor: Floor) -> None:
    job_id = lab.enqueue(Hold(floor.redis_url))
    with floor.scheduler():
        with floor.worker(shutdown_seconds=0.2):
            wait_started(floor.redis_url)
        assert [a["outcome"] for a in lab.attempts(job_id)] == ["handed_back"]
        assert lab.value("SELECT count(*) FROM workers WHERE stopped_at IS NULL") == 1  # the lab's own
        with floor.worker():
            wait_started(floor.redis_url)
            release(floor.redis_url, 2)
            lab.wait_state(job_id, "completed")
    assert [a["outcome"] for a in lab.attempts(job_id)] == ["handed_back", "completed"]


def test_a_worker_holds_no_more_jobs_than_it_has_threads(lab: Lab, floor: Floor) -> None:
    for _ in range(12):
        lab.enqueue(Hold(floor.redis_url))
    with floor.scheduler(), floor.worker():
        wait_started(floor.redis_url, floor.settings.worker_threads)
        eventually(lambda: lab.value("SELECT count(*) FROM jobs WHERE state = 'available' AND queued_at IS NOT NULL"))
        assert lab.value("SELECT count(*) FROM jobs WHERE state = 'executing'") == floor.settings.worker_threads
        release(floor.redis_url, 12)
        eventually(lambda: lab.value("SELECT count(*) FROM jobs WHERE state = 'completed'") == 12)


def test_a_job_that_may_kill_its_worker_runs_alone(lab: Lab, floor: Floor) -> None:
    with floor.scheduler(), floor.worker() as engine:
        lab.enqueue(Hold(floor.redis_url))
        wait_started(floor.redis_url)
        (suspect,) = lab.backlog(ORG, 1, kind="test.hold", args={"redis_url": floor.redis_url}, lost_count=2)
        eventually(lambda: lab.job(suspect)["queued_at"] is not None)
        eventually(lambda: engine.transport.depth("default") == 0)
        assert lab.job(suspect)["state"] == "available"
        release(floor.redis_url)
        wait_started(floor.redis_url)
        beside = lab.enqueue(Mark(floor.redis_url, "beside"))
        eventually(lambda: lab.job(beside)["queued_at"] is not None)
        assert ran(floor.redis_url) == []
        release(floor.redis_url)
        lab.wait_state(beside, "completed")
        assert lab.job(suspect)["state"] == "completed"


def test_a_worker_serves_its_queues_only(lab: Lab, floor: Floor) -> None:
    elsewhere = lab.enqueue(Mark(floor.redis_url, "default"))
    with floor.scheduler(), floor.worker(queues=["bulk"]):
        (bulk,) = lab.backlog(ORG, 1, queue="bulk")
        lab.wait_state(bulk, "scheduled")
    assert lab.job(elsewhere)["state"] == "available"


def test_a_tenants_flood_does_not_hold_up_anothers_job(lab: Lab, floor: Floor) -> None:
    for number in range(300):
        lab.enqueue(Mark(floor.redis_url, f"flood {number}"))
    lab.enqueue(Mark(floor.redis_url, "other"), org_id=OTHER_ORG)
    with floor.scheduler(), floor.worker():
        eventually(lambda: "other" in ran(floor.redis_url))
        assert ran(floor.redis_url).index("other") < floor.settings.queue_window
        eventually(lambda: len(ran(floor.redis_url)) == 301, within=30)


def test_jobs_whose_ids_the_broker_lost_all_run_once(lab: Lab, floor: Floor) -> None:
    values = [str(number) for number in range(300)]
    with floor.scheduler():
        for value in values:
            lab.enqueue(Mark(floor.redis_url, value))
        eventually(lambda: lab.value("SELECT count(*) FROM jobs WHERE queued_at IS NOT NULL"))
        empty_broker(floor.settings.broker_url.get_secret_value())
        with floor.worker():
            eventually(lambda: len(ran(floor.redis_url)) >= 300, within=30)
            eventually(lambda: lab.value("SELECT count(*) FROM jobs WHERE state = 'completed'") == 300)
    assert sorted(ran(floor.redis_url)) == sorted(values)
    assert lab.value("SELECT count(*) FROM job_attempts WHERE outcome = 'completed'") == 300


def test_a_worker_that_was_declared_dead_registers_anew_and_works_on(lab: Lab, floor: Floor) -> None:
    held = lab.enqueue(Hold(floor.redis_url))
    with floor.scheduler(), floor.worker() as engine:
        wait_started(floor.redis_url)
        before = engine.presence.worker_id
        lab.execute("UPDATE workers SET stopped_at = now() WHERE id = %s", before)
        eventually(lambda: engine.presence.worker_id != before)
        wait_started(floor.redis_url)  # the job was rescued and runs a second time
        release(floor.redis_url, 2)
        lab.wait_state(held, "completed")
        eventually(lambda: not engine.active.unended())
    assert [a["outcome"] for a in lab.attempts(held)] == ["lost", "completed"]
