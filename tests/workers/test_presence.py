"""Workers and schedulers say that they are there, how much memory they hold, and when they leave."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from prometheus_client import REGISTRY

from domain.maintenance.work import UPKEEP
from domain.queue.crew import crew
from domain.queue.presence import register, stop, threads_by_queue
from domain.queue.stats import live_workers
from tests.support.queue_kinds import Note
from tests.support.queue_lab import Lab
from workers.attendance import Attendance
from workers.connection import PlatformConnection
from workers.presence import Presence, resident_bytes, this_process
from workers.rescuer import Rescuer
from workers.upkeep import Upkeep

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def alone(lab: Lab) -> None:
    """Let nobody be there at first."""
    lab.execute("DELETE FROM workers")


def _only(lab: Lab) -> dict[str, object]:
    (row,) = lab.rows("SELECT * FROM workers")
    return row


def test_a_process_knows_how_much_memory_it_holds() -> None:
    assert 5_000_000 < resident_bytes() < 5_000_000_000


def test_a_worker_says_what_it_is(lab: Lab) -> None:
    presence = Presence(PlatformConnection(lab.urls.platform, "presence"), queues=["bulk"], threads=3)
    row = _only(lab)
    presence.close()
    assert (row["role"], row["queues"], row["threads"], row["stopped_at"]) == ("worker", ["bulk"], 3, None)
    assert isinstance(row["rss_bytes"], int)
    assert _only(lab)["stopped_at"] is not None


def test_a_scheduler_registers_beats_and_registers_anew_after_it_was_declared_dead(lab: Lab) -> None:
    with closing(PlatformConnection(lab.urls.platform, "attendance")) as connection:
        attendance = Attendance(connection)
        attendance.tick()
        first = _only(lab)
        lab.execute("UPDATE workers SET rss_bytes = 1")
        attendance.tick()
        again = _only(lab)
        assert (first["role"], again["id"]) == ("scheduler", first["id"])
        assert str(again["heartbeat_at"]) > str(first["heartbeat_at"])
        assert again["rss_bytes"] != 1
        stop(lab.connection, [lab.value("SELECT id FROM workers")])
        attendance.tick()
    rows = lab.rows("SELECT stopped_at FROM workers ORDER BY started_at")
    assert [row["stopped_at"] is None for row in rows] == [False, True]


def test_a_scheduler_that_stops_says_goodbye(lab: Lab) -> None:
    stopping = threading.Event()
    stopping.set()
    Attendance(PlatformConnection(lab.urls.platform, "attendance")).run(stopping)
    assert _only(lab)["stopped_at"] is not None


def test_a_scheduler_is_no_worker(lab: Lab) -> None:
    register(lab.connection, this_process("scheduler"))
    assert live_workers(lab.connection) == 0
    assert threads_by_queue(lab.connection) == {}
    with closing(PlatformConnection(lab.urls.platform, "rescuer")) as connection:
        Rescuer(connection).tick()
    assert REGISTRY.get_sample_value("gatehouse_workers_alive") in {0.0, None}


def test_the_crew_is_shown_with_what_it_does(lab: Lab) -> None:
    scheduler = this_process("scheduler")
    register(lab.connection, scheduler)
    busy, idle, gone = (lab.new_worker() for _ in range(3))
    stop(lab.connection, [gone])
    runs = [lab.run(lab.enqueue(Note()), worker=busy) for _ in range(2)]
    lab.execute("UPDATE jobs SET attempted_at = now() - interval '1 minute' WHERE id = %s", runs[1].job_id)
    lab.execute("UPDATE workers SET heartbeat_at = now() - interval '11 s' WHERE id = %s", idle)
    with lab.database.platform_scope() as session:
        found = crew(session)
    states = {process.id: (process.role, process.is_alive, process.is_silent) for process in found.there}
    assert states == {
        scheduler.id: ("scheduler", True, False),
        busy: ("worker", True, False),
        idle: ("worker", False, True),
    }
    assert [process.id for process in found.stopped] == [gone]
    assert (found.alive("worker"), found.alive("scheduler")) == (1, 1)
    assert [job.id for job in found.jobs[busy]] == [runs[1].job_id, runs[0].job_id]
    assert found.jobs[busy][0].seconds == pytest.approx(60, abs=15)


def test_the_schedulers_own_upkeep_is_on_record(lab: Lab) -> None:
    lab.execute("DELETE FROM maintenance_runs")
    with closing(PlatformConnection(lab.urls.platform, "upkeep")) as connection:
        Upkeep(connection).tick()
    (row,) = lab.rows("SELECT * FROM maintenance_runs")
    assert (row["name"], row["started_by"], row["outcome"]) == (UPKEEP, "scheduler", "done")
    assert "partitions made" in row["words"]


def test_runs_of_a_month_that_is_added_later_are_found_by_their_worker(lab: Lab) -> None:
    """The index of a partition that is made from now on belongs to that of the whole."""
    lab.value("SELECT ensure_job_attempt_partitions(7)")
    parts = lab.value("SELECT count(*) FROM pg_inherits WHERE inhparent = 'job_attempts_worker'::regclass")
    assert parts == lab.value("SELECT count(*) FROM pg_inherits WHERE inhparent = 'job_attempts'::regclass")
    assert lab.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'job_attempts_worker'::regclass")
