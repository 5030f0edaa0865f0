"""Figures of the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.queue.names import QUEUES
from domain.queue.presence import beat, forget, heartbeats, stop
from domain.queue.stats import depths, live_workers
from domain.queue.upkeep import keep_up
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab

pytestmark = pytest.mark.integration

_MEASURED = ("scheduled", "available", "executing", "retryable", "dead")


def test_every_queue_and_state_is_counted_and_its_oldest_job_dated(lab: Lab) -> None:
    lab.enqueue(Note(), run_at=datetime.now(UTC) - timedelta(seconds=50))
    handed_over = lab.enqueue(Note(), org_id=OTHER_ORG)
    lab.execute("UPDATE jobs SET queued_at = now() WHERE id = %s", handed_over)
    lab.enqueue(Errand(), run_at=datetime.now(UTC) + timedelta(hours=1))
    lab.run(lab.enqueue(Errand()))
    for state in ("retryable", "dead", "completed", "cancelled"):
        lab.backlog(ORG, 2, state=state, queue="inbound")
    measured = {(d.queue, d.state): d for d in depths(lab.connection)}
    assert set(measured) == {(queue, state) for queue in QUEUES for state in _MEASURED}
    assert {place: depth.jobs for place, depth in measured.items() if depth.jobs} == {
        ("default", "available"): 2,
        ("bulk", "scheduled"): 1,
        ("bulk", "executing"): 1,
        ("inbound", "retryable"): 2,
        ("inbound", "dead"): 2,
    }
    assert 50 <= measured["default", "available"].oldest_seconds < 150
    assert measured["bulk", "scheduled"].oldest_seconds == 0
    assert measured["outbound", "available"].oldest_seconds == 0


def test_workers_count_while_they_leave_heartbeats(lab: Lab) -> None:
    silent, stopped = lab.new_worker(), lab.new_worker()
    lab.execute("UPDATE workers SET heartbeat_at = now() - interval '11 s' WHERE id = %s", silent)
    stop(lab.connection, [stopped])
    assert live_workers(lab.connection) == 1
    assert set(heartbeats(lab.connection)) == {lab.worker, silent}
    assert beat(lab.connection, silent)
    assert live_workers(lab.connection) == 2
    assert not beat(lab.connection, stopped)


def test_workers_of_last_week_are_forgotten(lab: Lab) -> None:
    old, recent = lab.new_worker(), lab.new_worker()
    stop(lab.connection, [old, recent])
    lab.execute("UPDATE workers SET stopped_at = now() - interval '8 days' WHERE id = %s", old)
    assert forget(lab.connection) == 1
    assert {row["id"] for row in lab.rows("SELECT id FROM workers")} == {recent, lab.worker}


def test_upkeep_makes_partitions_once(lab: Lab) -> None:
    assert keep_up(lab.connection) == {"partitions_made": 0, "workers_forgotten": 0, "statistics_pruned": 0}
    assert lab.value("SELECT ensure_job_attempt_partitions(4)") == 2
    assert keep_up(lab.connection)["partitions_made"] == 0
