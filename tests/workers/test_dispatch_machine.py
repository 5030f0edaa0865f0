"""Whatever comes, ends, breaks or is changed, in whatever order: the dispatchers keep their promises.

Real dispatchers over real PostgreSQL, with a broker in memory that can be wiped at will.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from domain.queue.limits import LimitRule
from domain.queue.weights import set_weight
from tests.support.databases import Databases, DatabaseUrls
from tests.support.dispatch_floor import MESSAGES, ORGS, WINDOW, InForce, dispatch_floor

pytestmark = pytest.mark.integration

_ORG = st.sampled_from(ORGS)
_QUEUE = st.sampled_from(sorted(MESSAGES))
_KEY = st.sampled_from(["crm", None])
_ERRANDS = st.builds(
    LimitRule, tenant_id=st.sampled_from(ORGS[:2]), kind=st.just("test.errand"), max_running=st.integers(0, 4)
)
_RULES = (
    _ERRANDS
    | st.builds(
        LimitRule,
        tenant_id=st.sampled_from([ORGS[0], None]),
        kind=st.sampled_from(["test.note", None]),
        key=st.just("crm"),
        max_running=st.integers(0, 4),
        per_minute=st.sampled_from([60, 600, None]),
    )
    | st.builds(
        LimitRule, tenant_id=st.sampled_from(ORGS[:2]), kind=st.just("test.errand"), max_running=st.integers(0, 4)
    )
)
_SOME_TICKS = 12
_PATIENCE = 400


class DispatchMachine(RuleBasedStateMachine):
    """`urls` is the database that all examples use one after the other."""

    urls: ClassVar[DatabaseUrls]

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self.floor = self._open.enter_context(dispatch_floor(self.urls))

    @rule(org=_ORG, queue=_QUEUE, count=st.integers(1, 20), pushes=st.booleans(), key=_KEY)
    def jobs_arrive(self, org: Any, queue: str, count: int, pushes: bool, key: str | None) -> None:  # noqa: ANN401, FBT001  hypothesis passes them by name
        self.floor.arrive(org, queue, count, pushes=pushes, key=key)

    @rule(org=st.just(ORGS[2]))
    def an_urgent_job_arrives_that_no_limit_counts(self, org: Any) -> None:  # noqa: ANN401
        self.floor.probe(org, "default")

    @rule(number=st.integers(0, 1))
    def a_dispatcher_looks(self, number: int) -> None:
        self.floor.tick(number)

    @rule(queue=_QUEUE, count=st.integers(1, WINDOW))
    def a_worker_takes(self, queue: str, count: int) -> None:
        self.floor.work(queue, count)

    @rule(number=st.integers(0, 99))
    def a_run_ends(self, number: int) -> None:
        self.floor.end(number)

    @rule(queue=_QUEUE, room=st.integers(1, WINDOW))
    def a_dispatcher_dies_between_taking_and_pushing(self, queue: str, room: int) -> None:
        self.floor.die(queue, room)

    @rule()
    def the_broker_is_wiped(self) -> None:
        self.floor.transport.wipe()
        self.floor.forgive()

    @rule()
    def lost_ids_are_looked_for(self) -> None:
        self.floor.recover()

    @rule(queue=_QUEUE, paused=st.booleans())
    def a_queue_is_paused_or_resumed(self, queue: str, paused: bool) -> None:  # noqa: FBT001
        self.floor.pause(queue, paused=paused)

    @rule(limit=_RULES)
    def a_limit_is_set(self, limit: LimitRule) -> None:
        self.floor.limit(limit)

    @rule(number=st.integers(0, 9))
    def a_limit_is_lifted(self, number: int) -> None:
        self.floor.lift(number)

    @rule(org=_ORG, weight=st.integers(1, 3))
    def a_weight_is_set(self, org: Any, weight: int) -> None:  # noqa: ANN401
        with self.floor.lab.database.platform_scope() as session:
            set_weight(session, org, weight)
        self.floor.weights[org] = weight
        self.floor.forgive()

    @rule()
    def no_room_is_idle_while_something_may_run(self) -> None:
        for _ in range(_SOME_TICKS):
            self.floor.tick(0)
        paused = {row["name"] for row in self.floor.lab.rows("SELECT name FROM queues WHERE paused_at IS NOT NULL")}
        waiting = self.floor.lab.rows("SELECT * FROM jobs WHERE state = 'available' AND queued_at IS NULL")
        flying = self.floor.in_flight()
        for job in waiting:
            half_empty = self.floor.transport.depth(job["queue"]) * 2 <= WINDOW
            if half_empty and job["queue"] not in paused:
                assert any(_full(limit, flying) for limit in self.floor.limits.values() if limit.counts(job))

    @invariant()
    def the_broker_holds_no_more_than_the_window(self) -> None:
        assert all(len(entries) <= WINDOW for entries in self.floor.transport.entries.values())

    @invariant()
    def no_limit_is_exceeded_by_what_was_handed_over_since_it_was_set(self) -> None:
        flying = self.floor.in_flight()
        for limit in self.floor.limits.values():
            counted = [row["id"] for row in flying if limit.counts(row)]
            if limit.rule.max_running is not None and not limit.before.issuperset(counted):
                assert len(counted) <= limit.rule.max_running

    @invariant()
    def no_rate_is_exceeded(self) -> None:
        for limit in self.floor.limits.values():
            if limit.rule.per_minute is not None:
                a_second = limit.rule.per_minute / 60
                elapsed = self.floor.now() - limit.since
                assert limit.starts <= 2 * max(1, a_second) + a_second * elapsed

    @invariant()
    def an_urgent_job_waits_for_a_window_and_a_round_at_most(self) -> None:
        # Each of the two dispatchers has its own place in the round.
        a_round = sum(self.floor.weights.get(org, 1) for org in ORGS[:2])
        for probe in self.floor.probes:
            assert probe.overtaken <= WINDOW + 2 * a_round

    def teardown(self) -> None:
        """Let everything be worked off: nothing is lost."""
        with self._open:
            for limit in list(self.floor.limits):
                del limit
                self.floor.lift(0)
            for queue in MESSAGES:
                self.floor.pause(queue, paused=False)
            for _ in range(_PATIENCE):
                self.floor.recover()
                for queue in MESSAGES:
                    self.floor.work(queue, WINDOW)
                while self.floor.runs:
                    self.floor.end(0)
                if not self.floor.lab.value("SELECT count(*) FROM jobs WHERE state <> 'completed'"):
                    return
            raise AssertionError("Jobs were left behind.")


def _full(limit: InForce, flying: list[dict[str, Any]]) -> bool:
    """Whether a limit may keep a job back now; of a rate nobody knows without its clock."""
    running = sum(limit.counts(row) for row in flying)
    return limit.rule.per_minute is not None or running >= (limit.rule.max_running or 0)


@pytest.fixture(scope="module")
def machine_urls(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give a database for all examples."""
    with databases.migrated() as urls:
        yield urls


def test_dispatchers_lose_nothing_starve_nobody_and_keep_to_limits(machine_urls: DatabaseUrls) -> None:
    DispatchMachine.urls = machine_urls
    run_state_machine_as_test(
        DispatchMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            # Making a failure smaller takes minutes here; thirty steps can be read as they are.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
