"""Queues, limits, jobs and notices on the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from domain.kernel.ids import new_id
from domain.notices.raising import NoticeKind, raise_notice
from domain.queue.draining import complete_drains
from domain.queue.outcome import Done
from migrations.seeds import apply
from migrations.seeds.demo import ORGANIZATION_ID
from tests.support.eventually import eventually
from tests.support.queue_kinds import Note
from tests.support.queue_lab import Lab
from tests.support.queue_lab import lab as open_lab

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


@pytest.fixture
def lab(database_urls: DatabaseUrls) -> Iterator[Lab]:
    apply(database_urls.platform, "demo")
    with open_lab(database_urls) as opened:
        yield opened


def _actions(lab: Lab) -> list[str]:
    return [row["action"] for row in lab.rows("SELECT action FROM admin_audit_logs ORDER BY id")]


def test_a_queue_is_paused_shown_and_resumed(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    lab.enqueue(Note())
    assert gatehouse("queues", "pause", "default", settings=environment).status == 2
    assert gatehouse("queues", "pause", "default", "--reason", "Twilio is down").out == "default is paused.\n"
    shown = gatehouse("queues", "list").out
    assert "paused since" in shown
    assert "Twilio is down" in shown
    found = {row["name"]: row for row in json.loads(gatehouse("queues", "list", "--json").out)}
    assert (found["default"]["available"], found["bulk"]["state"]) == (1, "open")
    assert gatehouse("queues", "resume", "default").out == "default is open.\n"
    assert gatehouse("queues", "pause", "nothing", "--reason", "a").err == "There is no queue 'nothing'.\n"
    assert _actions(lab) == ["queue.pause", "queue.resume"]


def test_jobs_processes_and_schedules_are_listed(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    note, other = lab.enqueue(Note()), lab.enqueue(Note(), run_at=datetime.now(UTC) + timedelta(hours=1))
    lab.run(note)
    shown = gatehouse("queues", "jobs", settings=environment).out
    assert shown.index(str(other)) < shown.index(str(note))
    running = json.loads(gatehouse("queues", "jobs", "--state", "executing", "--kind", "test.note", "--json").out)
    assert [row["id"] for row in running] == [str(note)]
    assert gatehouse("queues", "jobs", "--queue", "bulk").out == "No job fits.\n"
    assert "There is no state 'odd'" in gatehouse("queues", "jobs", "--state", "odd").err
    assert "narrow it" in gatehouse("queues", "jobs", "--limit", "1").err
    (worker,) = json.loads(gatehouse("queues", "workers", "--json").out)
    assert (worker["id"], worker["role"], worker["runs"], worker["state"]) == (str(lab.worker), "worker", 1, "alive")
    found = {row["name"]: row for row in json.loads(gatehouse("jobs", "schedules", "--json").out)}
    assert (found["delivery.poll"]["state"], found["audit.verify_all"]["command"]) == ("never", "audit-verify")


def test_draining_is_waited_for(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    run = lab.run(lab.enqueue(Note()))
    lab.enqueue(Note(), run_at=datetime.now(UTC) + timedelta(hours=1))

    def finish() -> None:
        eventually(lambda: lab.value("SELECT draining_at FROM queues WHERE name = 'default'"), within=20)
        assert complete_drains(lab.connection) == []
        lab.end(run, Done())
        complete_drains(lab.connection)

    worker = threading.Thread(target=finish)
    worker.start()
    told = gatehouse("queues", "drain", "default", "--reason", "deploy", settings=environment)
    worker.join()
    assert (told.status, told.out) == (0, "default is empty and paused. 1 job is due later.\n")
    assert gatehouse("queues", "drain", "bulk", "--reason", "a", "--no-wait").out.startswith("bulk drains.")


def test_limits_and_weights_are_changed(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    limited = gatehouse("queues", "limit", "--kind", "delivery.send", "--max-running", "3", settings=environment).out
    limit_id = limited.removeprefix("Limited: ").strip()
    (row,) = json.loads(gatehouse("queues", "limits", "--json").out)
    assert (row["id"], row["kind"], row["max_running"]) == (limit_id, "delivery.send", 3)
    assert gatehouse("queues", "limit", "--max-running", "3").status == 1
    assert gatehouse("queues", "unlimit", limit_id).out == "Removed.\n"
    assert gatehouse("queues", "limits").out == "Nothing is limited.\n"
    assert gatehouse("queues", "weigh", str(ORGANIZATION_ID), "4").status == 0
    assert json.loads(gatehouse("queues", "weights", "--json").out)[0]["weight"] == 4
    assert gatehouse("queues", "weigh", str(ORGANIZATION_ID), "400").status == 1
    assert gatehouse("queues", "weigh", "nowhere", "4").err == "There is no such organization.\n"
    assert gatehouse("dead", "list", "--org", "nowhere").err == "There is no such organization.\n"
    assert _actions(lab) == ["queue.limit", "queue.unlimit", "queue.weigh"]


def test_single_jobs_are_run_now_and_cancelled(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    job_id = str(lab.enqueue(Note(), run_at=datetime.now(UTC) + timedelta(hours=1)))
    assert gatehouse("jobs", "run-now", job_id, settings=environment).out == "It is due now.\n"
    assert gatehouse("jobs", "cancel", job_id, "--reason", "double").out == "Cancelled.\n"
    assert gatehouse("jobs", "cancel", job_id).status == 1
    running = lab.run(lab.enqueue(Note())).job_id
    assert gatehouse("jobs", "cancel", str(running)).out == "It runs now; it will not be run again.\n"
    assert _actions(lab) == ["job.run_now", "job.cancel", "job.cancel"]


def test_notices_are_listed_and_resolved(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    with lab.database.platform_scope() as session:
        raise_notice(session, NoticeKind.DEAD_LETTER, "f-1", "Jobs died.", org_id=ORGANIZATION_ID, times=7)
    (row,) = json.loads(gatehouse("notices", "list", "--json", settings=environment).out)
    assert (row["subject"], row["count"]) == ("f-1", 7)
    assert "Jobs died." in gatehouse("notices", "list").out
    assert gatehouse("notices", "resolve", row["id"], "--reason", "seen").out == "Resolved.\n"
    assert gatehouse("notices", "list").out == "Nothing waits for a person.\n"
    assert "Jobs died." in gatehouse("notices", "list", "--resolved").out
    assert gatehouse("notices", "resolve", row["id"]).status == 1
    assert gatehouse("notices", "resolve", str(new_id())).status == 1
    assert _actions(lab) == ["notice.resolve"]
