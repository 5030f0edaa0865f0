"""Periodic work: once a period however many schedulers run, made up for when it was missed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta

import pytest

from domain.kernel.ids import PLATFORM_ORG_ID
from domain.maintenance.work import Work
from domain.queue.outcome import Done
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import Lab
from workers.connection import PlatformConnection
from workers.periodic import PeriodicWork

pytestmark = pytest.mark.integration

HOURLY = Work("test-hourly", timedelta(hours=1), Note("hourly"))
DAILY = Work("test-daily", timedelta(days=1), Errand(7))


@pytest.fixture
def work(lab: Lab) -> Iterator[PeriodicWork]:
    """Give a scheduler's part over schedules that nobody has asked for."""
    lab.execute("DELETE FROM schedules")
    with closing(PlatformConnection(lab.urls.platform, "periodic")) as connection:
        yield PeriodicWork(connection, lab.database, [HOURLY, DAILY])


def _asked(lab: Lab, ago: str) -> None:
    lab.execute("UPDATE schedules SET asked_at = now() - %s::interval WHERE name = 'test-hourly'", ago)


def test_each_piece_is_asked_for_at_once_and_then_not_before_its_period_is_over(lab: Lab, work: PeriodicWork) -> None:
    assert [work.tick() for _ in range(3)] == [2, 0, 0]
    jobs = lab.rows("SELECT kind, org_id, unique_key, args FROM jobs ORDER BY kind")
    assert [(job["kind"], job["unique_key"]) for job in jobs] == [
        ("test.errand", "test-daily"),
        ("test.note", "test-hourly"),
    ]
    assert {job["org_id"] for job in jobs} == {PLATFORM_ORG_ID}
    assert jobs[0]["args"] == {"number": 7}


def test_periods_that_were_missed_are_made_up_for_once(lab: Lab, work: PeriodicWork) -> None:
    work.tick()
    lab.execute("DELETE FROM jobs")
    _asked(lab, "59 minutes")
    assert work.tick() == 0
    _asked(lab, "5 days")
    assert [work.tick() for _ in range(3)] == [1, 0, 0]
    assert lab.value("SELECT count(*) FROM jobs") == 1


def test_a_run_that_outlasts_its_period_is_not_doubled(lab: Lab, work: PeriodicWork) -> None:
    work.tick()
    run = lab.run(lab.value("SELECT id FROM jobs WHERE kind = 'test.note'"))
    _asked(lab, "61 minutes")
    work.tick()
    assert lab.value("SELECT count(*) FROM jobs WHERE kind = 'test.note'") == 1
    lab.end(run, Done())
    _asked(lab, "61 minutes")
    work.tick()
    assert lab.value("SELECT count(*) FROM jobs WHERE kind = 'test.note'") == 2


def test_a_clock_that_was_set_back_does_not_stop_the_work(lab: Lab, work: PeriodicWork) -> None:
    work.tick()
    lab.execute("DELETE FROM jobs")
    _asked(lab, "-59 minutes")
    assert work.tick() == 0
    _asked(lab, "-10 years")
    assert [work.tick() for _ in range(2)] == [1, 0]


def test_work_that_an_outage_calls_for_is_asked_for_at_the_start(lab: Lab) -> None:
    lab.execute("DELETE FROM schedules")
    after = Work("test-after", timedelta(hours=1), Note(), after_outage=True)
    asked: list[int] = []
    for _ in range(2):
        with closing(PlatformConnection(lab.urls.platform, "periodic")) as connection:
            work = PeriodicWork(connection, lab.database, [after, DAILY])
            asked = [work.tick() for _ in range(2)]
        assert asked[1] == 0
        lab.execute("DELETE FROM jobs WHERE kind = 'test.note'")
    assert asked == [1, 0]


def test_many_schedulers_ask_once(lab: Lab) -> None:
    lab.execute("DELETE FROM schedules")
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        connections = [PlatformConnection(lab.urls.platform, "periodic") for _ in range(8)]
        works = [
            PeriodicWork(stack.enter_context(closing(connection)), lab.database, [HOURLY]) for connection in connections
        ]
        for _ in range(5):
            lab.execute("DELETE FROM jobs")
            assert sum(pool.map(PeriodicWork.tick, works)) == 1
            assert lab.value("SELECT count(*) FROM jobs") == 1
            _asked(lab, "2 hours")
