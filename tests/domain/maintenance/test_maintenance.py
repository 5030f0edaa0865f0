"""What is on record of schedules and maintenance, and having it done at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.audit.listing import AuditFilter, list_acts
from domain.audit.record import Actor
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.maintenance.ask import ask_now
from domain.maintenance.listing import find_schedule, list_schedules
from domain.maintenance.record import KEPT, note_run, recorded
from domain.maintenance.work import UPKEEP, WORK, work_named
from domain.queue.outcome import Dead, Done, Retry
from domain.queue.periodic import ask
from tests.support.databases import Databases, DatabaseUrls
from tests.support.queue_lab import Lab
from tests.support.queue_lab import lab as open_lab

pytestmark = pytest.mark.integration
ACTOR = Actor(name="Ada", role="operator")
NAME = "delivery.sweep"


@pytest.fixture(scope="module")
def urls(databases: Databases) -> Iterator[DatabaseUrls]:
    with databases.migrated() as migrated:
        yield migrated


@pytest.fixture
def lab(urls: DatabaseUrls) -> Iterator[Lab]:
    with open_lab(urls) as opened:
        opened.execute("DELETE FROM schedules")
        opened.execute("DELETE FROM maintenance_runs")
        yield opened


def _asked(lab: Lab) -> None:
    work = work_named(NAME)
    with lab.database.platform_scope() as session:
        assert ask(session, NAME, work.every, work.message)


def _job(lab: Lab) -> object:
    return lab.value("SELECT id FROM jobs WHERE unique_key = %s ORDER BY id DESC LIMIT 1", NAME)


def test_nothing_is_known_at_first(lab: Lab) -> None:
    with lab.database.platform_scope() as session:
        schedules = list_schedules(session)
    assert [schedule.work.name for schedule in schedules] == sorted(work.name for work in WORK)
    assert {schedule.standing for schedule in schedules} == {"never"}


def test_a_schedule_shows_what_was_asked_what_runs_and_what_it_came_to(lab: Lab) -> None:
    _asked(lab)
    with lab.database.platform_scope() as session:
        waiting = find_schedule(session, NAME)
    assert waiting.standing == "waiting"
    assert waiting.asked_at is not None
    assert waiting.next_at == waiting.asked_at + timedelta(minutes=5)
    assert waiting.live is not None
    run = lab.run(waiting.live.id)
    with lab.database.platform_scope() as session:
        assert find_schedule(session, NAME).standing == "running"
    lab.end(run, Retry("not now", after=timedelta(minutes=9)))
    with lab.database.platform_scope() as session:
        assert find_schedule(session, NAME).standing == "retrying"
    lab.execute("UPDATE jobs SET state = 'available', run_at = now()")
    lab.end(lab.run(waiting.live.id), Done("3 deliveries ended."))
    with lab.database.platform_scope() as session:
        done = find_schedule(session, NAME)
    assert (done.standing, done.live) == ("fine", None)
    assert done.last is not None
    assert (done.last.words, done.last.outcome, done.last.job_id) == ("3 deliveries ended.", "done", waiting.live.id)


def test_the_newest_run_counts(lab: Lab) -> None:
    for outcome, standing, words in ((Dead("no"), "failed", "no"), (Done("well"), "fine", "well")):
        lab.execute("DELETE FROM schedules")
        _asked(lab)
        lab.end(lab.run(lab.value("SELECT id FROM jobs WHERE state = 'available'")), outcome)
        with lab.database.platform_scope() as session:
            found = find_schedule(session, NAME)
        assert found.last is not None
        assert (found.standing, found.last.words) == (standing, words)


def test_a_run_from_the_command_line_is_on_record_while_it_runs_and_with_its_end(lab: Lab) -> None:
    def run() -> str:
        with lab.database.platform_scope() as session:
            begun = find_schedule(session, "audit-verify")
        assert begun.last is not None
        assert (begun.standing, begun.last.by) == ("running", "cron")
        return "All is well, +15005550006."

    name = work_named("audit-verify").name
    assert recorded(lab.database.platform_scope, name, "cron", run) == "All is well, +15005550006."
    with lab.database.platform_scope() as session:
        last = find_schedule(session, name).last
    assert last is not None
    assert (last.outcome, last.words, last.job_id) == ("done", "All is well, [phone …06].", None)
    assert last.seconds is not None


@pytest.mark.parametrize("error", [RuntimeError("it broke \x00 \ud800"), KeyboardInterrupt("stop")])
def test_a_run_that_fails_says_of_what(lab: Lab, error: BaseException) -> None:
    def run() -> str:
        raise error

    with pytest.raises(type(error)):
        recorded(lab.database.platform_scope, "audit.verify_all", "cron", run)
    with lab.database.platform_scope() as session:
        found = find_schedule(session, "audit.verify_all")
    assert found.last is not None
    assert found.standing == "failed"
    assert found.last.words.startswith(f"{type(error).__name__}: ")


def test_only_so_many_runs_are_kept(lab: Lab) -> None:
    for number in range(KEPT + 3):
        note_run(lab.connection, UPKEEP, "scheduler", f"run {number}", 1.5)
    note_run(lab.connection, "audit.verify_all", "scheduler", "another", 1.5)
    words = lab.rows("SELECT words FROM maintenance_runs WHERE name = %s ORDER BY id", UPKEEP)
    assert [row["words"] for row in words] == [f"run {number}" for number in range(3, KEPT + 3)]
    with lab.database.platform_scope() as session:
        last = find_schedule(session, UPKEEP).last
    assert last is not None
    assert last.seconds == pytest.approx(1.5, abs=0.5)


def test_work_is_done_at_once_and_its_period_begins_anew(lab: Lab) -> None:
    with lab.database.platform_scope() as session:
        asked = ask_now(session, NAME, "A delivery hangs.", ACTOR)
    assert (asked.name, asked.state) == (NAME, "available")
    job = lab.job(asked.job_id)
    assert (job["org_id"], job["kind"], job["unique_key"]) == (PLATFORM_ORG_ID, "delivery.sweep", NAME)
    work = work_named(NAME)
    with lab.database.platform_scope() as session:
        assert not ask(session, NAME, work.every, work.message)
        (act,) = list_acts(session, AuditFilter(action="maintenance.run"))
    assert (act.target_type, act.target_id, act.reason, act.actor) == ("schedule", NAME, "A delivery hangs.", "Ada")


def test_work_that_is_under_way_is_not_doubled(lab: Lab) -> None:
    _asked(lab)
    with lab.database.platform_scope() as session:
        assert ask_now(session, NAME, "now", ACTOR).job_id == _job(lab)
    run = lab.run(lab.value("SELECT id FROM jobs"))
    with lab.database.platform_scope() as session:
        asked = ask_now(session, NAME, "now", ACTOR)
    assert (asked.job_id, asked.state) == (run.job_id, "executing")
    lab.end(run, Retry("later", after=timedelta(hours=1)))
    with lab.database.platform_scope() as session:
        assert ask_now(session, NAME, "now", ACTOR).job_id == run.job_id
    assert lab.job(run.job_id)["state"] == "available"
    assert lab.value("SELECT count(*) FROM jobs") == 1


def test_maintenance_of_cron_is_done_by_a_worker_and_asked_for_by_nobody_else(lab: Lab) -> None:
    with lab.database.platform_scope() as session:
        asked = ask_now(session, "queue-upkeep", "A month has no room.", ACTOR)
    assert lab.job(asked.job_id)["kind"] == "queue.keep_up"
    assert lab.value("SELECT count(*) FROM schedules") == 0


@pytest.mark.parametrize(("name", "because", "error"), [(NAME, " ", InvalidInputError), ("no", "x", NotFoundError)])
def test_what_cannot_be_asked_for_changes_nothing(lab: Lab, name: str, because: str, error: type[Exception]) -> None:
    with lab.database.platform_scope() as session, pytest.raises(error):
        ask_now(session, name, because, ACTOR)
    assert lab.value("SELECT count(*) FROM jobs") == 0
