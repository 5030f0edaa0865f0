"""A job commits with the change that caused it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from domain.kernel.ids import PLATFORM_ORG_ID
from domain.queue.enqueue import NewJob, enqueue, enqueue_many
from domain.queue.outcome import Done
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab

pytestmark = pytest.mark.integration


def test_a_job_carries_what_its_kind_and_its_producer_say(lab: Lab) -> None:
    correlation = uuid4()
    with lab.database.tenant_scope(ORG) as session:
        job_id = enqueue(
            session, Note("hello"), org_id=ORG, correlation_id=correlation, subject="message 7", priority=10
        )
    row = lab.job(job_id)
    assert (row["kind"], row["queue"], row["args"], row["max_attempts"]) == (
        "test.note",
        "default",
        {"text": "hello"},
        3,
    )
    assert (row["org_id"], row["correlation_id"], row["subject"], row["priority"]) == (
        ORG,
        correlation,
        "message 7",
        10,
    )
    assert (row["state"], row["attempt"], row["queued_at"]) == ("available", 0, None)


def test_a_rollback_takes_the_job_with_it(lab: Lab) -> None:
    with pytest.raises(ZeroDivisionError), lab.database.tenant_scope(ORG) as session:
        enqueue(session, Note(), org_id=ORG)
        raise ZeroDivisionError
    assert lab.value("SELECT count(*) FROM jobs") == 0


def test_nobody_sees_a_job_before_its_commit(lab: Lab) -> None:
    with lab.database.tenant_scope(ORG) as session:
        job_id = enqueue(session, Note(), org_id=ORG)
        assert lab.claim(job_id) == []
    assert len(lab.claim(job_id)) == 1


def test_a_tenant_cannot_enqueue_for_another(lab: Lab) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        lab.database.tenant_scope(ORG) as session,
    ):
        enqueue(session, Note(), org_id=OTHER_ORG)
    assert lab.value("SELECT count(*) FROM jobs") == 0


def test_the_platform_enqueues_for_itself(lab: Lab) -> None:
    with lab.database.platform_scope() as session:
        job_id = enqueue(session, Note(), org_id=PLATFORM_ORG_ID)
    assert lab.job(job_id)["org_id"] == PLATFORM_ORG_ID


@pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(days=8), timedelta(days=400)])
def test_a_job_may_wait_however_long(lab: Lab, ahead: timedelta) -> None:
    run_at = datetime.now(UTC) + ahead
    job_id = lab.enqueue(Note(), run_at=run_at)
    row = lab.job(job_id)
    assert (row["state"], row["run_at"]) == ("scheduled", run_at)
    assert lab.claim(job_id) == []


def test_a_time_in_the_past_means_now(lab: Lab) -> None:
    assert lab.job(lab.enqueue(Note(), run_at=datetime.now(UTC) - timedelta(days=1)))["state"] == "available"


def test_a_unique_key_admits_one_live_job_of_a_kind_and_tenant(lab: Lab) -> None:
    first = lab.enqueue(Note("a"), unique_key="k")
    assert lab.enqueue(Note("b"), unique_key="k") == first
    assert lab.job(first)["args"] == {"text": "a"}
    assert lab.enqueue(Note(), unique_key="other") != first
    assert lab.enqueue(Errand(), unique_key="k") != first
    assert lab.enqueue(Note(), unique_key="k", org_id=OTHER_ORG) != first


def test_a_unique_key_is_free_again_when_its_job_has_ended(lab: Lab) -> None:
    first = lab.enqueue(Note(), unique_key="k")
    run = lab.run(first)
    assert lab.enqueue(Note(), unique_key="k") == first
    assert lab.end(run, Done())
    assert lab.enqueue(Note(), unique_key="k") != first


def test_a_unique_key_holds_against_producers_of_one_moment(lab: Lab) -> None:
    together = threading.Barrier(4)

    def produce(_: int) -> UUID:
        together.wait()
        return lab.enqueue(Note(), unique_key="k")

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(produce, range(4)))
    assert len(ids) == 1
    assert lab.value("SELECT count(*) FROM jobs") == 1


def test_a_unique_key_whose_first_producer_rolls_back_goes_to_the_second(lab: Lab) -> None:
    waiting = threading.Event()

    def second() -> UUID:
        waiting.set()
        return lab.enqueue(Note("second"), unique_key="k")

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(ZeroDivisionError), lab.database.tenant_scope(ORG) as session:
            enqueue(session, Note("first"), org_id=ORG, unique_key="k")
            future = pool.submit(second)
            waiting.wait(5)
            raise ZeroDivisionError
        assert lab.job(future.result(5))["args"] == {"text": "second"}


def test_many_jobs_go_in_at_once(lab: Lab) -> None:
    with lab.database.tenant_scope(ORG) as session:
        ids = enqueue_many(session, [NewJob(Errand(n), subject=f"s{n}") for n in range(5_000)], org_id=ORG)
    assert len(set(ids)) == 5_000
    rows = lab.rows("SELECT id, args, subject FROM jobs")
    assert {row["id"]: (row["args"]["number"], row["subject"]) for row in rows} == {
        job_id: (n, f"s{n}") for n, job_id in enumerate(ids)
    }


def test_many_jobs_keep_out_those_whose_key_is_held(lab: Lab) -> None:
    lab.enqueue(Note(), unique_key="b")
    with lab.database.tenant_scope(ORG) as session:
        ids = enqueue_many(session, [NewJob(Note(k), unique_key=k) for k in ("a", "b", "a", "c")], org_id=ORG)
    assert sorted(lab.job(job_id)["args"]["text"] for job_id in ids) == ["a", "c"]


def test_no_jobs_are_no_statement(lab: Lab) -> None:
    with lab.database.tenant_scope(ORG) as session:
        assert enqueue_many(session, [], org_id=ORG) == []


def test_kinds_do_not_mix_in_one_batch(lab: Lab) -> None:
    with (
        pytest.raises(ValueError, match=r"test\.errand.*test\.note"),
        lab.database.tenant_scope(ORG) as session,
    ):
        enqueue_many(session, [NewJob(Note()), NewJob(Errand())], org_id=ORG)


def test_a_job_of_a_released_savepoint_stays_and_of_a_rolled_back_one_goes(lab: Lab) -> None:
    with lab.database.tenant_scope(ORG) as session:
        with session.begin_nested():
            kept = enqueue(session, Note("kept"), org_id=ORG)
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            enqueue(session, Note("gone"), org_id=ORG)
            raise ZeroDivisionError
        session.execute(text("SELECT 1"))
    assert [row["id"] for row in lab.rows("SELECT id FROM jobs")] == [kept]
