"""A job goes to exactly one worker."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from domain.queue import control
from domain.queue.claim import claim, claimed_already, suspects
from domain.queue.outcome import Done
from domain.queue.presence import stop
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, Lab

pytestmark = pytest.mark.integration


def test_claiming_starts_a_run_and_opens_its_attempt(lab: Lab) -> None:
    job_id = lab.enqueue(Note("x"))
    (claimed,) = lab.claim(job_id)
    assert (claimed.id, claimed.org_id, claimed.kind, claimed.args) == (job_id, ORG, "test.note", {"text": "x"})
    assert (claimed.attempt, claimed.max_attempts, claimed.lost_count) == (1, 3, 0)
    assert 0 <= claimed.waited < 60
    row = lab.job(job_id)
    assert (row["state"], row["attempt"], row["worker_id"], row["attempted_at"]) == (
        "executing",
        1,
        lab.worker,
        claimed.started_at,
    )
    (attempt,) = lab.attempts(job_id)
    assert (attempt["attempt"], attempt["org_id"], attempt["worker_id"], attempt["outcome"]) == (
        1,
        ORG,
        lab.worker,
        None,
    )


def test_one_of_many_claimers_of_one_moment_gets_the_job(lab: Lab) -> None:
    ids = [lab.enqueue(Note(str(n))) for n in range(30)]
    workers = [lab.new_worker() for _ in range(4)]
    together = threading.Barrier(len(workers))

    def work(worker: UUID) -> list[UUID]:
        wanted = random.Random(worker.int).sample(ids, len(ids))
        with lab.connect() as connection:
            together.wait()
            return [job.id for n in range(0, len(ids), 6) for job in claim(connection, worker, wanted[n : n + 6])]

    with ThreadPoolExecutor(len(workers)) as pool:
        claimed = [job_id for part in pool.map(work, workers) for job_id in part]
    assert len(claimed) == len(set(claimed))
    # A row that another claimer holds at this moment is skipped; it is the other's, or free again for the next copy.
    rest = [job.id for job in lab.claim(*set(ids).difference(claimed))]
    assert sorted(claimed + rest) == sorted(ids)
    assert {len(lab.attempts(job_id)) for job_id in ids} == {1}


def test_a_second_copy_of_an_id_finds_nothing(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    assert len(lab.claim(job_id, job_id)) == 1
    assert lab.claim(job_id) == []


def test_jobs_come_in_the_order_asked_for(lab: Lab) -> None:
    ids = [lab.enqueue(Note()) for _ in range(5)]
    wanted = [ids[3], uuid4(), ids[0], ids[4]]
    assert [job.id for job in lab.claim(*wanted)] == [ids[3], ids[0], ids[4]]


@pytest.mark.parametrize("state", ["scheduled", "executing", "retryable", "completed", "cancelled", "dead"])
def test_only_available_jobs_can_be_claimed(lab: Lab, state: str) -> None:
    (job_id,) = lab.backlog(ORG, 1, state=state)
    assert lab.claim(job_id) == []
    assert lab.job(job_id)["attempt"] == 0


def test_a_paused_queue_gives_nothing_until_it_is_resumed(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    with lab.database.platform_scope() as session:
        control.pause(session, "default", "The provider is down.")
    assert lab.claim(job_id) == []
    with lab.database.platform_scope() as session:
        control.resume(session, "default")
    assert len(lab.claim(job_id)) == 1


def test_a_worker_that_stopped_or_was_never_there_claims_nothing(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    stop(lab.connection, [lab.worker])
    assert lab.claim(job_id) == []
    assert lab.claim(job_id, worker=uuid4()) == []
    assert len(lab.claim(job_id, worker=lab.new_worker())) == 1


def test_a_job_that_was_lost_twice_goes_to_a_worker_that_runs_nothing_else(lab: Lab) -> None:
    suspect, other = lab.enqueue(Note()), lab.enqueue(Note())
    for losses, wanted in ((1, [suspect, other]), (2, [other])):
        lab.execute("UPDATE jobs SET state = 'available', lost_count = %s", losses)
        lab.execute("UPDATE jobs SET lost_count = 0 WHERE id = %s", other)
        assert [job.id for job in lab.claim(suspect, other, alone=False)] == wanted
    assert suspects(lab.connection, [suspect, other]) == [suspect]
    assert [job.id for job in lab.claim(suspect)] == [suspect]
    assert suspects(lab.connection, [suspect, other]) == []


def test_claiming_takes_the_mark_of_the_hand_over_off(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lab.execute("UPDATE jobs SET queued_at = now()")
    lab.claim(job_id)
    assert lab.job(job_id)["queued_at"] is None


def test_what_was_claimed_by_a_statement_whose_answer_was_lost_is_found_again(lab: Lab) -> None:
    ids = [lab.enqueue(Note()) for _ in range(4)]
    mine = lab.claim(ids[0], ids[2])
    lab.claim(ids[1], worker=lab.new_worker())
    assert claimed_already(lab.connection, lab.worker, ids) == mine
    assert lab.end(lab.run(ids[3]), Done())
    assert claimed_already(lab.connection, lab.worker, [ids[3]]) == []
