"""What the dispatcher asks of the database: whose turn it is, what is due, what the broker has lost."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.queue import control, dispatch
from domain.queue.ports import entry
from domain.queue.turns import START, Cursor
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab

pytestmark = pytest.mark.integration

_THIRD_ORG = UUID("00000000-0000-7000-8000-000000000003")


def _take(lab: Lab, room: int, after: Cursor = START, queue: str = "default") -> dispatch.Batch:
    with lab.connection.transaction():
        batch = dispatch.take(lab.connection, queue, room, after)
    assert batch is not None
    return batch


def _tenants(lab: Lab, batch: dispatch.Batch) -> list[UUID]:
    return [lab.job(job_id)["org_id"] for job_id in batch.ids]


def test_a_tenant_with_one_job_is_served_in_the_first_window_beside_one_with_fifty_thousand(lab: Lab) -> None:
    lab.backlog(ORG, 50_000)
    lone = lab.enqueue(Note(), org_id=OTHER_ORG)
    batch = _take(lab, 256)
    assert len(set(batch.ids)) == 256
    assert lone in batch.ids[:2]


def test_tenants_take_turns(lab: Lab) -> None:
    mine, others, third = (lab.backlog(org, n) for org, n in ((ORG, 10), (OTHER_ORG, 3), (_THIRD_ORG, 1)))
    batch = _take(lab, 8)
    assert list(batch.ids) == [mine[0], others[0], third[0], mine[1], others[1], mine[2], others[2], mine[3]]


def test_the_next_window_starts_after_the_tenant_served_last(lab: Lab) -> None:
    for org in (ORG, OTHER_ORG, _THIRD_ORG):
        lab.backlog(org, 5)
    first = _take(lab, 2)
    assert _tenants(lab, first) == [ORG, OTHER_ORG]
    assert first.cursor == Cursor(OTHER_ORG)
    second = _take(lab, 2, first.cursor)
    assert _tenants(lab, second) == [_THIRD_ORG, ORG]


def test_many_tenants_are_served_alike_over_several_windows(lab: Lab) -> None:
    orgs = [UUID(int=n) for n in range(1, 41)]
    for org in orgs:
        lab.backlog(org, 3)
    served: Counter[UUID] = Counter()
    cursor = START
    for _ in range(8):
        batch = _take(lab, 10, cursor)
        served.update(_tenants(lab, batch))
        cursor = batch.cursor
    assert served == dict.fromkeys(orgs, 2)


def test_within_a_tenant_urgent_and_then_older_jobs_go_first(lab: Lab) -> None:
    late = lab.enqueue(Note())
    early = lab.enqueue(Note(), run_at=datetime.now(UTC) - timedelta(hours=1))
    urgent = lab.enqueue(Note(), priority=1)
    slow = lab.enqueue(Note(), priority=200)
    assert list(_take(lab, 10).ids) == [urgent, early, late, slow]


def test_handed_over_jobs_are_not_handed_over_twice(lab: Lab) -> None:
    ids = lab.backlog(ORG, 5)
    assert list(_take(lab, 3).ids) == list(ids[:3])
    assert list(_take(lab, 3).ids) == list(ids[3:])
    assert _take(lab, 3) == dispatch.Batch(START, [], [])


def test_only_jobs_of_the_queue_that_are_available_are_taken(lab: Lab) -> None:
    for state in ("scheduled", "executing", "retryable", "completed", "cancelled", "dead"):
        lab.backlog(ORG, 1, state=state)
    bulk = lab.enqueue(Errand())
    assert _take(lab, 10).ids == []
    batch = _take(lab, 10, queue="bulk")
    assert (batch.ids, batch.entries) == ([bulk], [entry("test.errand", bulk)])


def test_two_dispatchers_of_a_queue_take_turns(lab: Lab) -> None:
    lab.backlog(ORG, 4)
    with lab.connect() as other, other.transaction():
        batch = dispatch.take(other, "default", 2)
        assert batch is not None
        assert len(batch.ids) == 2
        assert dispatch.take(lab.connection, "default", 2) is None
        assert _take(lab, 2, queue="bulk").ids == []
    assert len(_take(lab, 2).ids) == 2


def test_the_lag_is_the_longest_wait(lab: Lab) -> None:
    lab.enqueue(Note())
    lab.enqueue(Note(), run_at=datetime.now(UTC) - timedelta(seconds=90))
    assert 90 <= _take(lab, 10).lag < 200


def test_due_jobs_become_available_oldest_first(lab: Lab) -> None:
    now = datetime.now(UTC)
    later = lab.enqueue(Note(), run_at=now + timedelta(hours=2))
    sooner = lab.enqueue(Note(), run_at=now + timedelta(hours=1))
    never_mind = lab.enqueue(Note(), run_at=now + timedelta(days=30))
    assert dispatch.promote(lab.connection, 10) == 0
    lab.execute("UPDATE jobs SET run_at = run_at - interval '3 hours'")
    lab.execute("UPDATE jobs SET state = 'retryable' WHERE id = %s", later)
    assert dispatch.promote(lab.connection, 1) == 1
    assert [lab.job(job_id)["state"] for job_id in (sooner, later)] == ["available", "retryable"]
    assert dispatch.promote(lab.connection, 10) == 1
    assert [lab.job(job_id)["state"] for job_id in (later, never_mind)] == ["available", "scheduled"]


def test_the_outlook_names_queues_with_waiting_jobs_and_the_next_due_time(lab: Lab) -> None:
    assert dispatch.outlook(lab.connection) == dispatch.Outlook([], [], float("inf"))
    lab.enqueue(Note(), run_at=datetime.now(UTC) + timedelta(seconds=100))
    lab.enqueue(Errand())
    outlook = dispatch.outlook(lab.connection)
    assert outlook.waiting == ["bulk"]
    assert 50 < outlook.next_due <= 100


def test_paused_queues_are_left_out(lab: Lab) -> None:
    lab.enqueue(Note())
    with lab.database.platform_scope() as session:
        control.pause(session, "default", "maintenance")
    assert dispatch.outlook(lab.connection).waiting == []
    assert "default" not in dispatch.open_queues(lab.connection)
    with lab.database.platform_scope() as session:
        control.resume(session, "default")
    assert dispatch.outlook(lab.connection).waiting == ["default"]
    assert "default" in dispatch.open_queues(lab.connection)


def test_jobs_that_were_handed_over_long_ago_are_found_and_unmarked(lab: Lab) -> None:
    old, fresh = lab.backlog(ORG, 2)
    _take(lab, 2)
    lab.execute("UPDATE jobs SET queued_at = now() - interval '6 s' WHERE id = %s", old)
    assert dispatch.stale(lab.connection, "default", 5.0, 10) == {entry("test.note", old): old}
    assert dispatch.stale(lab.connection, "bulk", 5.0, 10) == {}
    assert dispatch.unmark(lab.connection, [old, fresh]) == 2
    assert list(_take(lab, 5).ids) == [old, fresh]


def test_a_job_that_runs_by_now_is_not_unmarked(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lab.claim(job_id)
    assert dispatch.unmark(lab.connection, [job_id]) == 0
