"""Ends are written whatever happens: late, together, each once, and none keeps another from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from domain.queue.finish import Finished
from domain.queue.outcome import Cancel, Done
from domain.queue.policy import HANDED_BACK
from tests.support.eventually import eventually
from tests.support.queue_kinds import Note
from tests.support.queue_lab import Lab
from workers.connection import PlatformConnection
from workers.finisher import Finisher

pytestmark = pytest.mark.integration


class _Desk:
    """A finisher and what it said it wrote."""

    def __init__(self, lab: Lab) -> None:
        self.written: list[tuple[UUID, int]] = []
        self.finisher = Finisher(PlatformConnection(lab.urls.platform, "finisher-under-test"), self.written.extend)


@pytest.fixture
def desk(lab: Lab) -> Iterator[_Desk]:
    """Give a finisher."""
    opened = _Desk(lab)
    yield opened
    opened.finisher.close(5)


def _done(lab: Lab, job_id: UUID) -> Finished:
    run = lab.run(job_id)
    return run.finished(run.ending(Done()))


def test_ends_are_written_and_reported(lab: Lab, desk: _Desk) -> None:
    ends = [_done(lab, lab.enqueue(Note())) for _ in range(20)]
    for end in ends:
        desk.finisher.submit(end)
    assert desk.finisher.close(5)
    assert lab.value("SELECT count(*) FROM jobs WHERE state = 'completed'") == 20
    assert sorted(desk.written) == sorted((end.job_id, end.attempt) for end in ends)


def test_of_two_ends_of_a_run_the_first_counts(lab: Lab, desk: _Desk) -> None:
    for _ in range(10):
        end = _done(lab, lab.enqueue(Note()))
        desk.finisher.submit(end)
        desk.finisher.submit(replace(end, ending=HANDED_BACK))
    assert desk.finisher.close(5)
    assert lab.value("SELECT count(*) FROM jobs WHERE state = 'completed'") == 10


def test_an_end_that_the_database_refuses_is_dead_and_holds_up_nobody(lab: Lab, desk: _Desk) -> None:
    ends = [_done(lab, lab.enqueue(Note())) for _ in range(3)]
    odd = replace(ends[1], ending=replace(ends[1].ending, reason="half of a pair: \ud800"))
    late = replace(ends[2], ending=replace(ends[2].ending, delay=timedelta.max))
    for end in (ends[0], odd, late):
        desk.finisher.submit(end)
    last = _done(lab, lab.enqueue(Note()))
    desk.finisher.submit(last)
    assert desk.finisher.close(5)
    states = [lab.job(end.job_id)["state"] for end in (ends[0], odd, late, last)]
    assert states == ["completed", "dead", "dead", "completed"]
    assert lab.job(odd.job_id)["last_error"] == "What it came to could not be stored."


def test_ends_wait_for_a_database_that_is_away(lab: Lab, desk: _Desk) -> None:
    desk.finisher.submit(_done(lab, lab.enqueue(Note())))
    eventually(lambda: desk.written)
    later = _done(lab, lab.enqueue(Note()))
    with psycopg.connect(lab.urls.superuser, autocommit=True) as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'finisher-under-test'"
        )
    desk.finisher.submit(later)
    lab.wait_state(later.job_id, "completed")


def test_an_end_of_a_run_that_was_given_up_changes_nothing(lab: Lab, desk: _Desk) -> None:
    run = lab.run(lab.enqueue(Note()))
    assert lab.end(run, Cancel("elsewhere"))
    desk.finisher.submit(run.finished(run.ending(Done())))
    assert desk.finisher.close(5)
    assert lab.job(run.job_id)["state"] == "cancelled"
    assert desk.written == [(run.job_id, 1)]
