"""What becomes of jobs that succeed, fail, hang and break promises: everything is real but the worker's process."""

from __future__ import annotations

import pytest

from domain.queue.message import Message
from tests.support.eventually import eventually
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, Lab
from tests.support.worker_floor import Floor
from tests.support.worker_kinds import Endless, Fail, Half, Mark, Odd, ran
from workers.engine import Engine

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("working")]


@pytest.mark.parametrize(
    ("message", "states", "error"),
    [
        (Fail("no answer from +15005550006"), ("retryable",), "RuntimeError: no answer from [phone …06]"),
        (Fail("no such thing", "permanent"), ("dead",), "HopelessError: no such thing"),
        (Fail("goodbye", "exit"), ("retryable",), "SystemExit: goodbye"),
        (Half(), ("retryable",), "DataError: (psycopg.errors.DivisionByZero) division by zero"),
        (Odd(), ("retryable",), "AssertionError: Expected code to be unreachable, but got: None"),
        (Endless(), ("retryable",), "It ran longer than 1 s."),
    ],
)
def test_a_job_that_fails_is_kept_with_its_redacted_error(
    lab: Lab, working: Engine, message: Message, states: tuple[str, ...], error: str
) -> None:
    job_id = lab.enqueue(message)
    lab.wait_state(job_id, *states)
    eventually(lambda: not working.active.unended())
    row, attempt = lab.job(job_id), lab.attempts(job_id)[0]
    assert (row["last_error"], attempt["reason"]) == (error, error)
    assert attempt["finished_at"] is not None


def test_a_lone_job_runs_at_once_and_once(lab: Lab, floor: Floor) -> None:
    job_id = lab.enqueue(Mark(floor.redis_url, "a"))
    lab.wait_state(job_id, "completed")
    assert ran(floor.redis_url) == ["a"]
    assert [a["outcome"] for a in lab.attempts(job_id)] == ["completed"]


def test_a_job_of_an_unknown_kind_waits_for_a_worker_that_knows_it(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lab.wait_state(job_id, "scheduled")
    row = lab.job(job_id)
    assert (row["attempt"], row["max_attempts"]) == (1, 4)
    assert lab.value("SELECT run_at - now() BETWEEN '20 s' AND '30 s' FROM jobs")


def test_arguments_that_do_not_fit_are_dead(lab: Lab) -> None:
    (job_id,) = lab.backlog(ORG, 1, kind="test.mark", args={"redis_url": "my pipe burst"})
    lab.wait_state(job_id, "dead")
    assert lab.job(job_id)["last_error"] == "UnreadableArgsError: The arguments do not fit Mark: value."
