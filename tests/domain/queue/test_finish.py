"""A run's end: the job's next state, the attempt's record, and the fence around a run that was given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from domain.queue import control
from domain.queue.finish import RunLostError
from domain.queue.outcome import Cancel, Dead, Done, Outcome, Retry, Snooze
from domain.queue.policy import HANDED_BACK, LOST_LIMIT
from domain.queue.presence import stop
from domain.queue.rescue import rescue
from domain.queue.run import Run
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, Lab

pytestmark = pytest.mark.integration

_UNTIL = datetime(2040, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcome", "state", "attempt_outcome", "reason", "max_attempts"),
    [
        (Done(), "completed", "completed", None, 3),
        (Done("Two of three were there."), "completed", "completed", "Two of three were there.", 3),
        (Retry("503 from the provider", error_class="Busy"), "retryable", "retry", "503 from the provider", 3),
        (Snooze(_UNTIL, "Quiet hours."), "scheduled", "snoozed", "Quiet hours.", 4),
        (Cancel("The switch is off."), "cancelled", "cancelled", "The switch is off.", 3),
        (Dead("No such number.", "Rejected"), "dead", "dead", "No such number.", 3),
    ],
)
def test_each_outcome_ends_the_run_so(
    lab: Lab, outcome: Outcome, state: str, attempt_outcome: str, reason: str | None, max_attempts: int
) -> None:
    job_id = lab.enqueue(Note())
    assert lab.end(lab.run(job_id), outcome)
    row, (attempt,) = lab.job(job_id), lab.attempts(job_id)
    assert (row["state"], row["max_attempts"], row["worker_id"]) == (state, max_attempts, None)
    assert (attempt["outcome"], attempt["reason"]) == (attempt_outcome, reason)
    assert attempt["finished_at"] >= attempt["started_at"]
    assert (row["finished_at"] is not None) == (state in {"completed", "cancelled", "dead"})


def test_a_snooze_keeps_its_time_and_a_retry_waits_within_its_ceiling(lab: Lab) -> None:
    snoozed, retried = lab.enqueue(Note()), lab.enqueue(Note())
    lab.end(lab.run(snoozed), Snooze(_UNTIL))
    lab.end(lab.run(retried), Retry("no"))
    assert lab.job(snoozed)["run_at"] == _UNTIL
    waits = lab.value("SELECT run_at - now() FROM jobs WHERE id = %s", retried)
    assert waits <= timedelta(seconds=2)


def test_a_snooze_by_a_clock_that_is_behind_does_not_spin(lab: Lab) -> None:
    until = datetime(2001, 1, 1, tzinfo=UTC)
    alone, first, second = (lab.enqueue(Note()) for _ in range(3))
    before = lab.value("SELECT clock_timestamp()")
    lab.end(lab.run(alone), Snooze(until))
    lab.end_so(*(run.finished(run.ending(Snooze(until))) for run in map(lab.run, (first, second))))
    for job_id in (alone, first, second):
        pause = lab.job(job_id)["run_at"] - before
        assert timedelta(milliseconds=50) <= pause < timedelta(seconds=5)


@pytest.mark.parametrize("outcome", [Done(), Cancel("no"), Dead("no")])
def test_the_time_of_a_job_that_is_over_stays_what_it_was(lab: Lab, outcome: Outcome) -> None:
    job_id = lab.enqueue(Note())
    before = lab.job(job_id)["run_at"]
    lab.end(lab.run(job_id), outcome)
    assert lab.job(job_id)["run_at"] == before


def test_the_last_try_that_fails_is_dead_with_its_error_and_fingerprint(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    for number in range(1, 4):
        lab.execute("UPDATE jobs SET state = 'available' WHERE id = %s", job_id)
        lab.end(lab.run(job_id), Retry(f"no {number}", error_class="Busy"))
    row = lab.job(job_id)
    assert (row["state"], row["attempt"], row["last_error"], row["error_class"]) == ("dead", 3, "no 3", "Busy")
    assert len(row["fingerprint"]) == 16
    assert [a["outcome"] for a in lab.attempts(job_id)] == ["retry", "retry", "dead"]


def test_a_success_after_a_failure_keeps_what_failed_on_record(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lab.end(lab.run(job_id), Retry("timed out", error_class="Timeout"))
    lab.execute("UPDATE jobs SET state = 'available' WHERE id = %s", job_id)
    lab.end(lab.run(job_id), Done())
    row = lab.job(job_id)
    assert (row["state"], row["last_error"], row["error_class"]) == ("completed", "timed out", "Timeout")


def test_a_run_that_was_rescued_can_no_longer_end_the_job(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    run = lab.run(job_id)
    stop(lab.connection, [lab.worker])
    assert [job.id for job in rescue(lab.connection)] == [job_id]
    assert not lab.end(run, Done())
    second = lab.run(job_id, worker=lab.new_worker())
    assert not lab.end(run, Done())
    assert lab.job(job_id)["state"] == "executing"
    assert lab.end(second, Done())
    assert [a["outcome"] for a in lab.attempts(job_id)] == ["lost", "completed"]


def test_a_run_that_was_handed_back_can_no_longer_end_the_job(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    run = lab.run(job_id)
    assert lab.end_so(run.finished(HANDED_BACK)) == {job_id}
    row = lab.job(job_id)
    assert (row["state"], row["max_attempts"], row["lost_count"]) == ("available", 4, 0)
    assert not lab.end(run, Done())
    assert [a["outcome"] for a in lab.attempts(job_id)] == ["handed_back"]


def test_an_end_counts_once(lab: Lab) -> None:
    run = lab.run(lab.enqueue(Note()))
    assert lab.end(run, Done())
    assert not lab.end(run, Dead("late"))
    assert lab.job(run.job_id)["state"] == "completed"


def test_many_runs_end_in_one_statement_and_only_those_that_are_still_theirs(lab: Lab) -> None:
    runs = [Run(claimed, lab.database) for claimed in lab.claim(*(lab.enqueue(Note()) for _ in range(4)))]
    lab.end(runs[1], Cancel("before"))
    outcomes: list[Outcome] = [Done(), Done(), Retry("again"), Snooze(_UNTIL)]
    ended = lab.end_so(*(run.finished(run.ending(outcome)) for run, outcome in zip(runs, outcomes, strict=True)))
    assert ended == {runs[0].job_id, runs[2].job_id, runs[3].job_id}
    states = [lab.job(run.job_id)["state"] for run in runs]
    assert states == ["completed", "cancelled", "retryable", "scheduled"]


def test_two_runs_of_one_job_in_one_statement_leave_the_record_of_the_lost_one_alone(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lost = lab.run(job_id)
    stop(lab.connection, [lab.worker])
    rescue(lab.connection)
    second = lab.run(job_id, worker=lab.new_worker())
    ended = lab.end_so(*(run.finished(run.ending(Done())) for run in (lost, second)))
    assert ended == {job_id}
    assert [a["outcome"] for a in lab.attempts(job_id)] == ["lost", "completed"]


def test_the_end_commits_with_the_effect(lab: Lab) -> None:
    run = lab.run(lab.enqueue(Note()))
    with run.scope() as session:
        session.execute(text("UPDATE jobs SET subject = 'effect' WHERE id = :id"), {"id": run.job_id})
        assert run.finish(session, Done()) == Done()
        assert lab.job(run.job_id)["state"] == "executing"
    row = lab.job(run.job_id)
    assert (row["state"], row["subject"]) == ("completed", "effect")


def test_the_end_rolls_back_with_the_effect(lab: Lab) -> None:
    run = lab.run(lab.enqueue(Note()))
    with pytest.raises(ZeroDivisionError), run.scope() as session:
        session.execute(text("UPDATE jobs SET subject = 'effect' WHERE id = :id"), {"id": run.job_id})
        run.finish(session, Done())
        raise ZeroDivisionError
    row = lab.job(run.job_id)
    assert (row["state"], row["subject"]) == ("executing", None)
    assert lab.end(run, Done())


def test_the_effect_of_a_lost_run_rolls_back(lab: Lab) -> None:
    run = lab.run(lab.enqueue(Note()))
    lab.end_so(run.finished(HANDED_BACK))
    with pytest.raises(RunLostError), run.scope() as session:
        session.execute(text("UPDATE jobs SET subject = 'effect' WHERE id = :id"), {"id": run.job_id})
        run.finish(session, Done())
    assert lab.job(run.job_id)["subject"] is None
    assert run.ended is None


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Done(), "completed"),
        (Retry("no"), "cancelled"),
        (Snooze(_UNTIL), "cancelled"),
        (Dead("no"), "dead"),
        (Cancel("no"), "cancelled"),
    ],
)
def test_a_job_that_somebody_cancels_while_it_runs_is_not_run_again(lab: Lab, outcome: Outcome, state: str) -> None:
    run = lab.run(lab.enqueue(Note()))
    with lab.database.tenant_scope(ORG) as session:
        assert control.cancel(session, run.job_id) == "requested"
    assert lab.job(run.job_id)["state"] == "executing"
    assert lab.end(run, outcome)
    row = lab.job(run.job_id)
    assert row["state"] == state
    assert row["finished_at"] is not None


def test_a_job_that_somebody_cancels_is_not_run_again_when_its_worker_is_lost(lab: Lab) -> None:
    run = lab.run(lab.enqueue(Note()))
    with lab.database.tenant_scope(ORG) as session:
        control.cancel(session, run.job_id)
    stop(lab.connection, [lab.worker])
    rescue(lab.connection)
    assert lab.job(run.job_id)["state"] == "cancelled"


def test_what_a_run_says_of_an_error_is_redacted_and_storable(lab: Lab) -> None:
    run = lab.run(lab.enqueue(Note()))
    assert lab.end(run, Dead("call +15005550006 \x00 now \ud800", "Odd\x00Error\udfff"))
    row = lab.job(run.job_id)
    assert "5550006" not in row["last_error"]
    assert row["last_error"].startswith("call ")
    assert row["error_class"].startswith("Odd")


def test_tries_count_failures_only(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    first = lab.run(job_id)
    assert (first.attempt, first.tries, first.max_attempts) == (1, 1, 3)
    lab.end(first, Snooze(datetime.now(UTC)))
    lab.execute("UPDATE jobs SET state = 'available'")
    second = lab.run(job_id)
    assert (second.attempt, second.tries, second.max_attempts) == (2, 1, 4)
    lab.end(second, Retry("no"))
    lab.execute("UPDATE jobs SET state = 'available'")
    third = lab.run(job_id)
    assert (third.attempt, third.tries, third.max_attempts) == (3, 2, 4)
    lab.end_so(third.finished(HANDED_BACK))
    fourth = lab.run(job_id)
    assert (fourth.attempt, fourth.tries, fourth.max_attempts) == (4, 2, 5)


def test_a_job_that_kills_its_worker_three_times_is_dead_with_that_reason(lab: Lab) -> None:
    job_id, bystander = lab.enqueue(Note()), lab.enqueue(Note())
    for number in range(1, LOST_LIMIT + 1):
        worker = lab.new_worker()
        lab.run(job_id, worker)
        if number == 1:
            lab.run(bystander, worker)
        stop(lab.connection, [worker])
        assert job_id in {job.id for job in rescue(lab.connection)}
        lab.execute("UPDATE jobs SET state = 'available' WHERE state = 'retryable'")
    row = lab.job(job_id)
    assert (row["state"], row["error_class"], row["lost_count"]) == ("dead", "WorkerKilled", 3)
    assert "died under it 3 times" in row["last_error"]
    assert [a["outcome"] for a in lab.attempts(job_id)] == ["lost"] * 3
    assert lab.claim(job_id) == []
    assert lab.end(lab.run(bystander), Done())


def test_a_lost_run_uses_up_no_try(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lab.run(job_id)
    stop(lab.connection, [lab.worker])
    rescue(lab.connection)
    row = lab.job(job_id)
    assert (row["state"], row["attempt"], row["max_attempts"], row["lost_count"]) == ("available", 1, 4, 1)
    assert lab.run(job_id, lab.new_worker()).tries == 1


def test_a_run_that_reaches_its_end_clears_the_suspicion(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lab.run(job_id)
    stop(lab.connection, [lab.worker])
    rescue(lab.connection)
    assert lab.end(lab.run(job_id, lab.new_worker()), Snooze(datetime.now(UTC)))
    assert lab.job(job_id)["lost_count"] == 0


def test_the_jobs_of_living_workers_are_left_alone(lab: Lab) -> None:
    lab.run(lab.enqueue(Note()))
    assert rescue(lab.connection) == []
