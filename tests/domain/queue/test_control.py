"""Cancel, pause and resume."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.kernel.errors import ConflictError, NotFoundError
from domain.queue import control
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("state", ["available", "retryable", "scheduled"])
def test_a_waiting_job_is_cancelled_at_once(lab: Lab, state: str) -> None:
    (job_id,) = lab.backlog(ORG, 1, state=state)
    with lab.database.tenant_scope(ORG) as session:
        assert control.cancel(session, job_id) == "cancelled"
    row = lab.job(job_id)
    assert row["state"] == "cancelled"
    assert row["finished_at"] is not None
    assert lab.claim(job_id) == []


@pytest.mark.parametrize("state", ["completed", "cancelled", "dead"])
def test_a_job_that_has_ended_cannot_be_cancelled(lab: Lab, state: str) -> None:
    (job_id,) = lab.backlog(ORG, 1, state=state)
    with lab.database.tenant_scope(ORG) as session, pytest.raises(ConflictError, match=f"is {state} already"):
        control.cancel(session, job_id)


def test_a_job_that_nobody_or_somebody_else_has_cannot_be_cancelled(lab: Lab) -> None:
    job_id = lab.enqueue(Note(), org_id=OTHER_ORG)
    for unknown in (uuid4(), job_id):
        with lab.database.tenant_scope(ORG) as session, pytest.raises(NotFoundError):
            control.cancel(session, unknown)
    assert lab.job(job_id)["state"] == "available"


def test_a_job_that_a_limit_holds_back_is_held_no_more_when_it_is_cancelled(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lab.execute("UPDATE jobs SET held_by = %s", uuid4())
    with lab.database.tenant_scope(ORG) as session:
        control.cancel(session, job_id)
    assert lab.job(job_id)["held_by"] is None


def test_cancelling_frees_the_unique_key(lab: Lab) -> None:
    job_id = lab.enqueue(Note(), unique_key="k", run_at=datetime.now(UTC) + timedelta(days=1))
    with lab.database.tenant_scope(ORG) as session:
        control.cancel(session, job_id)
    assert lab.enqueue(Note(), unique_key="k") != job_id


def test_a_pause_says_why_and_lasts_until_resumed(lab: Lab) -> None:
    with lab.database.platform_scope() as session:
        control.pause(session, "bulk", "The provider is down.")
    (row,) = lab.rows("SELECT * FROM queues WHERE name = 'bulk'")
    assert row["paused_at"] is not None
    assert row["paused_because"] == "The provider is down."
    with lab.database.platform_scope() as session:
        control.resume(session, "bulk")
    (row,) = lab.rows("SELECT * FROM queues WHERE name = 'bulk'")
    assert (row["paused_at"], row["paused_because"]) == (None, None)


def test_an_unknown_queue_is_named(lab: Lab) -> None:
    with lab.database.platform_scope() as session:
        with pytest.raises(NotFoundError, match="nope"):
            control.pause(session, "nope", "x")
        with pytest.raises(NotFoundError, match="nope"):
            control.resume(session, "nope")


def test_what_workers_refused_while_a_queue_was_paused_is_handed_over_again(lab: Lab) -> None:
    refused, elsewhere = lab.enqueue(Note()), lab.backlog(ORG, 1, queue="bulk")[0]
    lab.execute("UPDATE jobs SET queued_at = now()")
    with lab.database.platform_scope() as session:
        control.pause(session, "default", "maintenance")
    assert lab.claim(refused) == []
    with lab.database.platform_scope() as session:
        control.resume(session, "default")
    assert lab.job(refused)["queued_at"] is None
    assert lab.job(elsewhere)["queued_at"] is not None
