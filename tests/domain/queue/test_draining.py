"""A queue that drains is worked until it is empty, and then paused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.kernel.errors import ConflictError, NotFoundError
from domain.queue import control
from domain.queue.draining import complete_drains
from domain.queue.outcome import Done, Retry
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import Lab

pytestmark = pytest.mark.integration


def _drain(lab: Lab, queue: str = "default") -> None:
    with lab.database.platform_scope() as session:
        control.drain(session, queue, "moving house")


def _queue(lab: Lab, name: str = "default") -> tuple[bool, bool, str | None]:
    (row,) = lab.rows("SELECT * FROM queues WHERE name = %s", name)
    return row["draining_at"] is not None, row["paused_at"] is not None, row["paused_because"]


def test_it_is_worked_to_the_end_before_it_is_paused(lab: Lab) -> None:
    first = lab.enqueue(Note())
    _drain(lab)
    assert complete_drains(lab.connection) == []
    run = lab.run(first)
    assert complete_drains(lab.connection) == []
    assert _queue(lab) == (True, False, "moving house")
    later = lab.enqueue(Note())
    assert lab.end(run, Done())
    assert complete_drains(lab.connection) == []
    assert lab.end(lab.run(later), Done())
    assert complete_drains(lab.connection) == ["default"]
    assert _queue(lab) == (False, True, "moving house")
    assert lab.claim(lab.enqueue(Note())) == []


def test_what_was_handed_to_the_broker_still_waits(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lab.execute("UPDATE jobs SET queued_at = now() WHERE id = %s", job_id)
    _drain(lab)
    assert complete_drains(lab.connection) == []


def test_what_is_due_later_and_what_others_have_keep_nobody_waiting(lab: Lab) -> None:
    lab.enqueue(Note(), run_at=datetime.now(UTC) + timedelta(hours=1))
    lab.end(lab.run(lab.enqueue(Note())), Retry("no", timedelta(minutes=5)))
    lab.enqueue(Errand())
    _drain(lab)
    assert complete_drains(lab.connection) == ["default"]
    assert _queue(lab, "bulk") == (False, False, None)


def test_a_job_claimed_in_the_last_moment_ends_before_the_draining_does(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    run = lab.run(job_id)
    _drain(lab)
    lab.execute("UPDATE queues SET paused_at = now() WHERE name = 'default'")
    assert complete_drains(lab.connection) == []
    assert lab.end(run, Done())
    assert complete_drains(lab.connection) == ["default"]


def test_resuming_and_pausing_end_it(lab: Lab) -> None:
    _drain(lab)
    with lab.database.platform_scope() as session:
        control.resume(session, "default")
    assert complete_drains(lab.connection) == []
    assert _queue(lab) == (False, False, None)
    _drain(lab)
    with lab.database.platform_scope() as session:
        control.pause(session, "default", "now")
    assert _queue(lab) == (False, True, "now")


def test_what_cannot_be_drained_is_told(lab: Lab) -> None:
    with pytest.raises(NotFoundError):
        _drain(lab, "nothing")
    with lab.database.platform_scope() as session:
        control.pause(session, "default", "now")
    with pytest.raises(ConflictError):
        _drain(lab)


def test_a_job_that_waits_for_its_time_is_let_run_now(lab: Lab) -> None:
    job_id = lab.enqueue(Note(), run_at=datetime.now(UTC) + timedelta(hours=1))
    with lab.database.platform_scope() as session:
        control.run_now(session, job_id)
    run = lab.run(job_id)
    with lab.database.platform_scope() as session, pytest.raises(ConflictError):
        control.run_now(session, job_id)
    lab.end(run, Retry("no", timedelta(hours=1)))
    with lab.database.platform_scope() as session:
        control.run_now(session, job_id)
    assert lab.job(job_id)["state"] == "available"
    with lab.database.platform_scope() as session, pytest.raises(NotFoundError):
        control.run_now(session, lab.worker)
