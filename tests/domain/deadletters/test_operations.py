"""Requeueing and discarding many: on record, resumable, paced, cancellable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from domain.deadletters.messages import Operate
from domain.deadletters.models import DeadOperation
from domain.deadletters.operate import operate
from domain.deadletters.operations import Request, begin, cancel
from domain.deadletters.page import AHEAD, work_page
from domain.kernel.clock import SystemClock
from domain.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.queue.dead import PAGE, DeadFilter
from domain.queue.outcome import Dead, Done, Outcome, Snooze
from tests.domain.deadletters.conftest import OPERATOR
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab

pytestmark = pytest.mark.integration

_MANY = 2 * PAGE + 100


def _begin(lab: Lab, request: Request) -> DeadOperation:
    with lab.database.platform_scope() as session:
        return begin(session, request, OPERATOR)


def _requeue(lab: Lab, which: DeadFilter, *, per_minute: int | None = None) -> DeadOperation:
    return _begin(lab, Request("requeue", which, "fixed", per_minute))


def _run(lab: Lab, operation: DeadOperation) -> Outcome:
    (job_id,) = [row["id"] for row in lab.rows("SELECT id FROM jobs WHERE kind = 'deadletters.operate'")]
    lab.execute("UPDATE jobs SET state = 'available' WHERE id = %s AND state = 'scheduled'", job_id)
    run = lab.run(job_id)
    outcome = operate(Operate(operation.id), run, SystemClock())
    if run.ended is None:
        lab.end(run, outcome)
    return outcome


def _row(lab: Lab, operation: DeadOperation) -> dict[str, object]:
    (row,) = lab.rows("SELECT * FROM dead_operations WHERE id = %s", operation.id)
    return row


def _counts(lab: Lab, operation: DeadOperation) -> tuple[object, object, object, object]:
    row = _row(lab, operation)
    return row["state"], row["total"], row["done"], row["skipped"]


def _states(lab: Lab) -> dict[str, int]:
    rows = lab.rows("SELECT state, count(*) FROM jobs WHERE kind = 'test.note' GROUP BY state")
    return {row["state"]: row["count"] for row in rows}


def _audit(lab: Lab) -> list[dict[str, object]]:
    return lab.rows(
        "SELECT action, target_type, target_id, actor, reason, org_id, after FROM admin_audit_logs ORDER BY id"
    )


def _die(lab: Lab, *, unique_key: str | None = None) -> UUID:
    job_id = lab.enqueue(Note(), unique_key=unique_key)
    assert lab.end(lab.run(job_id), Dead("no", "Rejected"))
    return job_id


def test_a_few_run_again_at_once_and_are_on_record(lab: Lab) -> None:
    before = len(_audit(lab))
    first, second = _die(lab), _die(lab)
    operation = _requeue(lab, DeadFilter(kind="test.note"))
    assert _counts(lab, operation) == ("finished", 2, 2, 0)
    assert [lab.job(job_id)["state"] for job_id in (first, second)] == ["available"] * 2
    (entry,) = _audit(lab)[before:]
    assert (entry["action"], entry["actor"], entry["reason"]) == ("dead_letter.requeue", "night", "fixed")
    assert (entry["target_type"], entry["target_id"]) == ("dead_operation", str(operation.id))
    after = entry["after"]
    assert isinstance(after, dict)
    assert (after["filter"]["kind"], after["total"], after["done"]) == ("test.note", 2, 2)


def test_one_that_is_named_is_on_record_under_its_own_id(lab: Lab) -> None:
    before, job_id = len(_audit(lab)), _die(lab)
    _begin(lab, Request("discard", DeadFilter(ids=[job_id]), "the customer called"))
    (entry,) = _audit(lab)[before:]
    assert (entry["action"], entry["target_type"], entry["target_id"], entry["org_id"]) == (
        "dead_letter.discard",
        "job",
        str(job_id),
        ORG,
    )
    assert lab.job(job_id)["last_error"] == "Discarded: the customer called"


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "  "},
        {"reason": "x" * 501},
        {"reason": "a", "per_minute": 0},
        {"action": "discard", "reason": "a", "per_minute": 5},
    ],
)
def test_what_cannot_be_done_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        Request(**({"action": "requeue", "which": DeadFilter()} | wrong))  # type: ignore[arg-type]


def test_nothing_to_do_is_an_error_and_leaves_no_trace(lab: Lab) -> None:
    with pytest.raises(NotFoundError):
        _requeue(lab, DeadFilter(kind="test.note"))
    assert lab.value("SELECT count(*) FROM dead_operations") == 0


def test_many_are_brought_to_the_end_by_a_job(lab: Lab) -> None:
    lab.backlog(ORG, _MANY, state="dead")
    operation = _requeue(lab, DeadFilter(org_id=ORG))
    assert _counts(lab, operation) == ("running", _MANY, 0, 0)
    assert lab.value("SELECT org_id FROM jobs WHERE kind = 'deadletters.operate'") == PLATFORM_ORG_ID
    assert isinstance(_run(lab, operation), Done)
    assert _counts(lab, operation) == ("finished", _MANY, _MANY, 0)
    assert _states(lab) == {"available": _MANY}


def test_an_operation_goes_on_where_its_killed_run_was(lab: Lab) -> None:
    lab.backlog(ORG, _MANY, state="dead")
    operation = _requeue(lab, DeadFilter(org_id=ORG))
    with lab.database.platform_scope() as session:
        held = session.get(DeadOperation, operation.id, with_for_update=True)
        assert held is not None
        work_page(session, held)
    # Killed in the middle of the next page.
    with pytest.raises(KeyboardInterrupt), lab.database.platform_scope() as session:
        held = session.get(DeadOperation, operation.id, with_for_update=True)
        assert held is not None
        work_page(session, held)
        raise KeyboardInterrupt
    assert _counts(lab, operation) == ("running", _MANY, PAGE, 0)
    _run(lab, operation)
    assert _counts(lab, operation) == ("finished", _MANY, _MANY, 0)
    assert _states(lab) == {"available": _MANY}


def test_what_dies_after_the_operation_began_is_not_touched(lab: Lab) -> None:
    lab.backlog(ORG, PAGE + 1, state="dead")
    operation = _requeue(lab, DeadFilter(kind="test.note"))
    late = _die(lab)
    _run(lab, operation)
    assert lab.job(late)["state"] == "dead"
    assert _counts(lab, operation) == ("finished", PAGE + 1, PAGE + 1, 0)


def test_a_cancelled_operation_leaves_the_rest_dead(lab: Lab) -> None:
    lab.backlog(ORG, _MANY, state="dead")
    operation = _requeue(lab, DeadFilter(kind="test.note"))
    with lab.database.platform_scope() as session:
        held = session.get(DeadOperation, operation.id, with_for_update=True)
        assert held is not None
        work_page(session, held)
    with lab.database.platform_scope() as session:
        cancel(session, operation.id, OPERATOR, "wrong filter")
    _run(lab, operation)
    assert _counts(lab, operation) == ("cancelled", _MANY, PAGE, 0)
    assert _states(lab) == {"available": PAGE, "dead": _MANY - PAGE}
    with lab.database.platform_scope() as session, pytest.raises(ConflictError):
        cancel(session, operation.id, OPERATOR)
    assert _audit(lab)[-1]["action"] == "dead_operation.cancel"


def test_a_rate_spreads_the_letters_over_time(lab: Lab) -> None:
    lab.backlog(ORG, 100, state="dead")
    began = datetime.now(UTC)
    operation = _requeue(lab, DeadFilter(org_id=ORG), per_minute=60)
    outcome = _run(lab, operation)
    assert isinstance(outcome, Snooze)
    first = int(AHEAD.total_seconds())
    assert _counts(lab, operation) == ("running", 100, first, 0)
    rows = lab.rows("SELECT run_at FROM jobs WHERE kind = 'test.note' AND state <> 'dead' ORDER BY run_at")
    gaps = {later["run_at"] - one["run_at"] for one, later in pairwise(rows)}
    assert gaps == {timedelta(seconds=1)}
    assert began <= rows[0]["run_at"] <= datetime.now(UTC)
    assert outcome.until == rows[-1]["run_at"] + timedelta(seconds=1)
    assert lab.value("SELECT count(*) FROM jobs WHERE kind = 'test.note' AND state = 'scheduled'") >= first - 1


def test_a_run_that_comes_early_or_late_keeps_the_rate(lab: Lab) -> None:
    lab.backlog(ORG, 100, state="dead")
    operation = _requeue(lab, DeadFilter(org_id=ORG), per_minute=60)
    _run(lab, operation)
    _run(lab, operation)
    assert _row(lab, operation)["done"] == 30
    lab.execute("UPDATE dead_operations SET next_at = now() - interval '1 hour'")
    _run(lab, operation)
    assert _row(lab, operation)["done"] == 60


def test_a_slow_rate_moves_on(lab: Lab) -> None:
    lab.backlog(ORG, 3, state="dead")
    operation = _requeue(lab, DeadFilter(org_id=ORG), per_minute=1)
    for expected in (1, 2, 3):
        _run(lab, operation)
        assert _row(lab, operation)["done"] == expected
        lab.execute("UPDATE dead_operations SET next_at = now()")
    _run(lab, operation)
    assert _counts(lab, operation) == ("finished", 3, 3, 0)


def test_letters_that_stay_dead_are_counted(lab: Lab) -> None:
    held, older, newer = _die(lab, unique_key="k"), _die(lab, unique_key="l"), _die(lab, unique_key="l")
    lab.enqueue(Note(), unique_key="k")
    operation = _requeue(lab, DeadFilter(kind="test.note"))
    assert _counts(lab, operation) == ("finished", 3, 1, 2)
    assert [lab.job(job_id)["state"] for job_id in (held, older, newer)] == ["dead", "dead", "available"]


def test_of_letters_with_one_key_in_different_pages_the_newest_runs(lab: Lab) -> None:
    older = _die(lab, unique_key="k")
    lab.backlog(ORG, PAGE, state="dead")
    newer = _die(lab, unique_key="k")
    operation = _requeue(lab, DeadFilter(kind="test.note"))
    _run(lab, operation)
    assert _counts(lab, operation) == ("finished", PAGE + 2, PAGE + 1, 1)
    assert [lab.job(job_id)["state"] for job_id in (older, newer)] == ["dead", "available"]


def test_a_notice_ends_with_the_last_letter_of_its_cause(lab: Lab) -> None:
    mine, others = _die(lab), _die(lab)
    lab.execute("UPDATE jobs SET org_id = %s WHERE id = %s", OTHER_ORG, others)
    cause = lab.job(mine)["fingerprint"]
    lab.execute(
        "INSERT INTO organizations (id, slug, name) VALUES (%s, 'a', 'a'), (%s, 'b', 'b') ON CONFLICT DO NOTHING",
        ORG,
        OTHER_ORG,
    )
    for org_id, subject in ((ORG, cause), (OTHER_ORG, cause), (ORG, "another")):
        lab.execute(
            "INSERT INTO operator_notices (id, org_id, kind, subject, words)"
            " VALUES (gen_random_uuid(), %s, 'dead_letter', %s, 'a')",
            org_id,
            subject,
        )
    _requeue(lab, DeadFilter(ids=[mine]))
    open_ = lab.rows("SELECT org_id, subject FROM operator_notices WHERE resolved_at IS NULL ORDER BY subject")
    assert {(row["org_id"], row["subject"]) for row in open_} == {(OTHER_ORG, cause), (ORG, "another")}
