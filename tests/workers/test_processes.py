"""Worker processes that are killed, told to stop, or cut off from their broker."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from uuid import UUID

import pytest

from domain.kernel.errors import InvalidInputError
from tests.support.eventually import eventually
from tests.support.private_redis import PrivateRedis
from tests.support.queue_lab import Lab
from tests.support.worker_floor import Floor
from tests.support.worker_kinds import Hold, Kill, Mark, ran, release, wait_started
from tests.support.worker_process import worker_process
from workers.main import run_worker

pytestmark = [pytest.mark.integration, pytest.mark.chaos]

RESCUE_SECONDS = 20


def _worker_pids(lab: Lab) -> list[int]:
    return [row["pid"] for row in lab.rows("SELECT pid FROM workers WHERE stopped_at IS NULL AND hostname <> 'lab'")]


def _runs(pid: int) -> bool:
    """Return whether a process runs; one that has ended may wait for its new parent to take note of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _outcomes(lab: Lab, job_id: UUID) -> list[str | None]:
    return [attempt["outcome"] for attempt in lab.attempts(job_id)]


def test_the_jobs_of_a_killed_worker_are_rescued_and_run_again(lab: Lab, floor: Floor) -> None:
    held = lab.enqueue(Hold(floor.redis_url))
    with floor.scheduler():
        with worker_process(floor.settings) as role:
            wait_started(floor.redis_url)
            (pid,) = _worker_pids(lab)
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            # Dramatiq's parent stops when one of its processes is gone; what supervises the role starts it again.
            assert role.wait(30) != 0
        with floor.worker():
            wait_started(floor.redis_url)
            assert time.monotonic() - killed < RESCUE_SECONDS
            release(floor.redis_url)
            lab.wait_state(held, "completed")
    assert _outcomes(lab, held) == ["lost", "completed"]


def test_a_role_that_is_told_to_stop_finishes_what_runs_and_says_goodbye(lab: Lab, floor: Floor) -> None:
    held = lab.enqueue(Hold(floor.redis_url))
    with floor.scheduler(), worker_process(floor.settings) as role:
        wait_started(floor.redis_url)
        role.send_signal(signal.SIGTERM)
        release(floor.redis_url)
        assert role.wait(30) == 0
    assert _outcomes(lab, held) == ["completed"]
    assert _worker_pids(lab) == []


def test_a_role_whose_parent_is_killed_leaves_no_process_and_no_job_behind(lab: Lab, floor: Floor) -> None:
    held = lab.enqueue(Hold(floor.redis_url))
    with floor.scheduler(), worker_process(floor.settings) as role:
        wait_started(floor.redis_url)
        (pid,) = _worker_pids(lab)
        role.kill()
        release(floor.redis_url)
        lab.wait_state(held, "completed")
        eventually(lambda: not _runs(pid), within=30)
    assert _worker_pids(lab) == []


def test_a_job_that_kills_its_worker_three_times_is_dead_and_the_others_are_done(lab: Lab, floor: Floor) -> None:
    poison = lab.enqueue(Kill())
    bystanders = [lab.enqueue(Mark(floor.redis_url, str(number))) for number in range(20)]
    with floor.scheduler():
        for _ in range(3):
            with worker_process(floor.settings) as role:
                role.wait(60)
            # What waits after a second loss is let go at once, to keep the test short.
            eventually(lambda: lab.job(poison)["state"] in {"available", "retryable", "dead"}, within=RESCUE_SECONDS)
            lab.execute("UPDATE jobs SET run_at = now() WHERE state = 'retryable'")
        with floor.worker():
            for bystander in bystanders:
                lab.wait_state(bystander, "completed")
    assert lab.job(poison)["state"] == "dead"
    assert "died under it 3 times" in lab.job(poison)["last_error"]
    assert _outcomes(lab, poison) == ["lost"] * 3
    assert {str(number) for number in range(20)} == set(ran(floor.redis_url))


def test_a_broker_that_restarts_empty_delays_jobs_but_loses_none(lab: Lab, redis_url: str, tmp_path: Path) -> None:
    values = [str(number) for number in range(40)]
    with PrivateRedis() as broker:
        floor = Floor(lab.urls, redis_url, broker.url, tmp_path)
        with floor.scheduler(), floor.worker():
            first = lab.enqueue(Mark(redis_url, values[0]))
            lab.wait_state(first, "completed")
            broker.stop()
            for value in values[1:]:
                lab.enqueue(Mark(redis_url, value))
            broker.start()
            eventually(lambda: lab.value("SELECT count(*) FROM jobs WHERE state = 'completed'") == 40, within=20)
    assert sorted(ran(redis_url)) == sorted(values)
    assert lab.value("SELECT count(*) FROM job_attempts") == 40


def test_the_settings_name_the_queues_that_are_known(floor: Floor) -> None:
    with pytest.raises(InvalidInputError, match="No such queue: nope"):
        run_worker(floor.settings, ["default", "nope"])
