"""Dead letters on the command line: seen by cause, tried dry, run again, put right."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from domain.deadletters.messages import Operate
from domain.deadletters.operate import operate
from domain.kernel.clock import SystemClock
from domain.kernel.ids import new_id
from domain.queue.dead import PAGE
from domain.queue.outcome import Dead
from tests.support.eventually import eventually
from tests.support.queue_lab import ORG, OTHER_ORG, Lab
from tests.support.queue_lab import lab as open_lab

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
_ARGS = {"client_id": "00000000-0000-7000-8000-00000000000c", "channel": "sms", "address": "+15005550123"}


@pytest.fixture
def lab(database_urls: DatabaseUrls) -> Iterator[Lab]:
    with open_lab(database_urls) as opened:
        yield opened


def _die(lab: Lab, *, reason: str = "no", org_id: UUID = ORG, kind: str = "conversations.process") -> UUID:
    (job_id,) = lab.backlog(org_id, 1, kind=kind, args=_ARGS)
    assert lab.end(lab.run(job_id), Dead(reason, "Rejected"))
    return job_id


def _audit(lab: Lab) -> list[dict[str, Any]]:
    return lab.rows("SELECT * FROM admin_audit_logs ORDER BY id")


def test_causes_are_shown_with_their_weight(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    ids = [_die(lab, reason="no answer from +15005550123", org_id=org_id) for org_id in (ORG, OTHER_ORG)]
    _die(lab, reason="refused")
    shown = gatehouse("dead", "groups", settings=environment).out
    assert "no answer from [phone …23]" in shown
    many, one = json.loads(gatehouse("dead", "groups", "--json").out)
    assert (many["count"], many["tenants"], one["count"]) == (2, 2, 1)
    assert many["samples"] == [str(job_id) for job_id in ids[::-1]]
    assert gatehouse("dead", "groups", "--kind", "delivery.send").out == "Nothing is dead.\n"


def test_a_dry_run_says_what_would_happen_and_needs_no_reason(
    gatehouse: Run, environment: Environment, lab: Lab
) -> None:
    _die(lab, kind="webhooks.send")
    _die(lab)
    ended = gatehouse("dead", "requeue", "--all", "--dry-run", settings=environment)
    assert (ended.status, ended.out) == (
        0,
        "0 would run; 1 is about something that is gone; 1 has arguments that this release can't read.\n",
    )
    found = json.loads(gatehouse("dead", "requeue", "--all", "--dry-run", "--json").out)
    assert found["fates"] == {"gone": 1, "unreadable": 1}
    assert lab.value("SELECT count(*) FROM jobs WHERE state = 'dead'") == 2


@pytest.mark.parametrize("command", ["requeue", "discard"])
def test_nothing_is_resolved_without_a_reason(gatehouse: Run, environment: Environment, lab: Lab, command: str) -> None:
    job_id = _die(lab)
    ended = gatehouse("dead", command, str(job_id), "--yes", settings=environment)
    assert (ended.status, ended.err) == (2, "Give --reason.\n")
    assert lab.job(job_id)["state"] == "dead"


def test_who_requeued_what_and_why_is_on_record(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    job_id = _die(lab)
    ended = gatehouse("dead", "requeue", str(job_id), "--reason", "fixed", "--yes", settings=environment)
    assert (ended.status, ended.out) == (0, "1 queued again.\n")
    (entry,) = _audit(lab)
    assert (entry["action"], entry["role"], entry["reason"]) == ("dead_letter.requeue", "operator", "fixed")
    (listed,) = json.loads(gatehouse("dead", "operations", "--json").out)
    assert (listed["state"], listed["done"], listed["which"]) == ("finished", 1, "1 by id")


def test_letters_that_stay_dead_are_told(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    first, _ = _die(lab), _die(lab)
    lab.execute("UPDATE jobs SET unique_key = 'k'")
    ended = gatehouse("dead", "requeue", "--all", "--reason", "fixed", "--yes", settings=environment)
    assert (ended.status, ended.out) == (1, "1 queued again.\n")
    assert ended.err.startswith("1 stay dead: ")
    assert lab.job(first)["state"] == "dead"


def _work(lab: Lab, ended: threading.Event) -> None:
    """Run the operation as a worker would, once it is there."""
    find = "SELECT id FROM jobs WHERE kind = 'deadletters.operate' AND state = 'available'"
    job_id: UUID = eventually(lambda: lab.value(find), within=20)
    run = lab.run(job_id)
    operate(Operate(UUID(run.claimed.args["operation_id"])), run, SystemClock())
    ended.set()


def test_many_are_waited_for(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    lab.backlog(ORG, 2 * PAGE, state="dead")
    ended = threading.Event()
    worker = threading.Thread(target=_work, args=(lab, ended))
    worker.start()
    told = gatehouse("dead", "requeue", "--all", "--reason", "fixed", "--yes", settings=environment)
    worker.join()
    assert ended.is_set()
    assert (told.status, told.out) == (0, f"{2 * PAGE} queued again.\n")


def test_many_can_be_left_to_the_background_and_cancelled(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    lab.backlog(ORG, PAGE + 1, state="dead")
    told = gatehouse("dead", "requeue", "--all", "--reason", "a", "--yes", "--no-wait", settings=environment)
    assert told.out.startswith(f"{PAGE + 1} queued again in the background. See: gatehouse dead operations ")
    operation_id = told.out.split()[-1]
    (found,) = json.loads(gatehouse("dead", "operations", operation_id, "--cancel", "--json").out)
    assert found["state"] == "cancelled"
    assert gatehouse("dead", "operations", operation_id, "--cancel").status == 1
    assert gatehouse("dead", "operations", "--cancel").err == "Say which operation to cancel.\n"


def test_a_rate_goes_on_in_the_background(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    job_id = _die(lab)
    gatehouse(
        "dead", "requeue", str(job_id), "--rate", "5", "--reason", "a", "--yes", "--no-wait", settings=environment
    )
    assert lab.value("SELECT per_minute FROM dead_operations") == 5


def test_arguments_are_put_right(gatehouse: Run, environment: Environment, lab: Lab, tmp_path: Path) -> None:
    job_id = _die(lab)
    edit = ("dead", "edit", str(job_id), "--reason", "typo", "--args")
    wrong = gatehouse(*edit, json.dumps({**_ARGS, "channel": "fax"}), settings=environment)
    assert wrong.status == 1
    assert wrong.err.startswith("These arguments do not fit conversations.process. channel: ")
    assert gatehouse(*edit[:-1]).err == "Give --args.\n"
    assert gatehouse(*edit, "{").err.startswith("The arguments are no JSON: ")
    assert gatehouse(*edit, "[]").err.startswith("The arguments are a JSON object")
    right = tmp_path / "args.json"
    right.write_text(json.dumps({**_ARGS, "address": "+15005550124"}))
    assert gatehouse(*edit, f"@{right}", "--requeue").out == "Changed and queued again.\n"
    row = lab.job(job_id)
    assert (row["state"], row["args"]["address"]) == ("available", "+15005550124")


def test_arguments_are_revealed_on_record(gatehouse: Run, environment: Environment, lab: Lab) -> None:
    job_id = _die(lab)
    assert "5550123" not in gatehouse("dead", "show", str(job_id), settings=environment).out
    assert _audit(lab) == []
    assert "5550123" in gatehouse("dead", "show", str(job_id), "--reveal").out
    assert [entry["action"] for entry in _audit(lab)] == ["dead_letter.reveal"]
    assert gatehouse("dead", "show", str(new_id())).status == 1
