"""One job's life, driven at random beside a model small enough to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from domain.kernel.errors import ConflictError
from domain.queue import control, dispatch
from domain.queue.dead import DeadFilter, requeue
from domain.queue.outcome import Cancel, Dead, Done, Outcome, Retry, Snooze
from domain.queue.policy import HANDED_BACK, LOST_LIMIT
from domain.queue.presence import stop
from domain.queue.rescue import rescue
from domain.queue.run import Run
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, Lab

pytestmark = pytest.mark.integration

_TRIES = 3
_ENDED = ("completed", "cancelled", "dead")
_OUTCOMES: tuple[Outcome, ...] = (
    Done(),
    Retry("no"),
    Retry("busy", timedelta(minutes=5)),
    Snooze(datetime(2040, 1, 1, tzinfo=UTC)),
    Cancel("off"),
    Dead("no"),
)


@dataclass
class _Model:
    """What a job is expected to be. `failures`: tries used up since it was made or requeued."""

    state: str = "available"
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    cancel_requested: bool = False
    outcomes: list[str | None] = field(default_factory=list)

    def end(self, outcome: str, state: str) -> None:
        """Close the running attempt; a job that is to be cancelled does not go on."""
        self.outcomes[-1] = outcome
        self.state = "cancelled" if self.cancel_requested and state not in _ENDED else state

    def finish(self, outcome: Outcome) -> None:
        """End the run with an outcome."""
        self.losses = 0
        match outcome:
            case Done():
                self.end("completed", "completed")
            case Cancel():
                self.end("cancelled", "cancelled")
            case Snooze():
                self.end("snoozed", "scheduled")
            case Dead():
                self.end("dead", "dead")
            case Retry():
                self.failures += 1
                last = self.failures == _TRIES
                self.end("dead" if last else "retry", "dead" if last else "retryable")

    def lose(self) -> None:
        """End the run by the death of its worker."""
        self.losses += 1
        self.end("lost", {1: "available", LOST_LIMIT: "dead"}.get(self.losses, "retryable"))


class _JobLife(RuleBasedStateMachine):
    """The rules are everything that can happen to a job; each is tried only where it means something."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self.lab = lab
        self.model = _Model()
        self.job_id = lab.enqueue(Note(), unique_key="life")
        self.run: Run | None = None
        self.given_up: list[Run] = []

    def teardown(self) -> None:
        self.lab.execute("UPDATE jobs SET state = 'completed'")

    @rule()
    def claim(self) -> None:
        worker = self.lab.new_worker()
        claimed = self.lab.claim(self.job_id, worker=worker)
        assert bool(claimed) == (self.model.state == "available")
        if claimed:
            self.run = Run(claimed[0], self.lab.database)
            self.model.state = "executing"
            self.model.attempt += 1
            self.model.outcomes.append(None)
            assert self.run.tries == self.model.failures + 1

    @precondition(lambda self: self.run is not None)
    @rule(outcome=st.sampled_from(_OUTCOMES), with_effect=st.booleans())
    def finish(self, outcome: Outcome, *, with_effect: bool) -> None:
        run = self._give_up()
        if with_effect:
            with run.scope() as session:
                run.finish(session, outcome)
        else:
            assert self.lab.end(run, outcome)
        self.model.finish(outcome)

    @precondition(lambda self: self.run is not None)
    @rule()
    def hand_back(self) -> None:
        run = self._give_up()
        assert self.lab.end_so(run.finished(HANDED_BACK)) == {self.job_id}
        self.model.end("handed_back", "available")

    @precondition(lambda self: self.run is not None)
    @rule()
    def lose_the_worker(self) -> None:
        self._give_up()
        stop(self.lab.connection, [self.lab.job(self.job_id)["worker_id"]])
        assert self.job_id in {job.id for job in rescue(self.lab.connection)}
        self.model.lose()

    @precondition(lambda self: self.given_up)
    @rule(outcome=st.sampled_from(_OUTCOMES))
    def finish_too_late(self, outcome: Outcome) -> None:
        assert not self.lab.end(self.given_up[-1], outcome)

    @precondition(lambda self: self.model.state in {"scheduled", "retryable"})
    @rule()
    def let_time_pass(self) -> None:
        assert self.lab.claim(self.job_id) == []
        self.lab.execute("UPDATE jobs SET run_at = now() WHERE id = %s", self.job_id)
        assert dispatch.promote(self.lab.connection, 10) == 1
        self.model.state = "available"

    @rule()
    def cancel(self) -> None:
        with self.lab.database.tenant_scope(ORG) as session:
            if self.model.state in _ENDED:
                with pytest.raises(ConflictError):
                    control.cancel(session, self.job_id)
                return
            result = control.cancel(session, self.job_id)
        self.model.cancel_requested = True
        assert result == ("requested" if self.run is not None else "cancelled")
        if self.run is None:
            self.model.state = "cancelled"

    @rule()
    def requeue(self) -> None:
        with self.lab.database.platform_scope() as session:
            changed = requeue(session, DeadFilter(ids=[self.job_id]))
        assert changed == (self.model.state == "dead")
        if changed:
            self.model.state, self.model.failures, self.model.losses = "available", 0, 0
            self.model.cancel_requested = False

    @invariant()
    def the_rows_are_what_the_model_says(self) -> None:
        row, attempts = self.lab.job(self.job_id), self.lab.attempts(self.job_id)
        assert (row["state"], row["attempt"], row["lost_count"]) == (
            self.model.state,
            self.model.attempt,
            self.model.losses,
        )
        assert (row["finished_at"] is not None) == (self.model.state in _ENDED)
        assert (row["worker_id"] is not None) == (self.model.state == "executing")
        assert [a["attempt"] for a in attempts] == list(range(1, self.model.attempt + 1))
        assert [a["outcome"] for a in attempts] == self.model.outcomes
        if self.model.state not in _ENDED:
            begun = self.run is not None
            assert row["max_attempts"] - row["attempt"] == _TRIES - self.model.failures - begun

    @invariant()
    def the_unique_key_is_held_while_it_lives(self) -> None:
        held = self.lab.value("SELECT count(*) FROM jobs WHERE unique_key = 'life' AND state = ANY(%s)", _LIVE)
        assert held == (self.model.state not in _ENDED)

    def _give_up(self) -> Run:
        assert self.run is not None
        run, self.run = self.run, None
        self.given_up.append(run)
        return run


_LIVE = ["scheduled", "available", "executing", "retryable"]


def test_a_job_lives_as_the_model_says(lab: Lab) -> None:
    class JobLife(_JobLife):
        """A life in this test's database."""

        def __init__(self) -> None:
            super().__init__(lab)

    run_state_machine_as_test(
        JobLife,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
