"""Weighted turns: in PostgreSQL, and dealt in memory where limits are in force, against turns by hand."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.queue.allowance import Allowance, Allowances
from domain.queue.deal import deal
from domain.queue.turns import START, Cursor, Waiting, take_turns
from domain.queue.weights import set_weight, weights
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab
from tests.support.round_robin import by_hand

_ORGS = [UUID(int=number) for number in range(1, 6)]
_TENANTS = st.dictionaries(
    st.sampled_from(_ORGS), st.tuples(st.integers(1, 40), st.integers(1, 7)), min_size=1, max_size=5
)
_ROOMS = st.lists(st.integers(1, 25), min_size=1, max_size=60)
_NOW = datetime.now(UTC)


def _line(org_id: UUID, jobs: int, weight: int) -> list[Waiting]:
    return [Waiting(UUID(int=n), org_id, "test.note", None, 100, _NOW, weight) for n in range(jobs)]


@given(tenants=_TENANTS, rooms=_ROOMS)
def test_dealt_batches_of_any_size_are_one_unbroken_round_robin(
    tenants: dict[UUID, tuple[int, int]], rooms: list[int]
) -> None:
    lines = {org: _line(org, *figures) for org, figures in tenants.items()}
    served: list[UUID] = []
    cursor = START
    for room in rooms:
        dealt = deal([job for line in lines.values() for job in line], cursor, room, Allowances([]))
        cursor = dealt.cursor
        for job in dealt.chosen:
            lines[job.org_id].remove(job)
        served += [job.org_id for job in dealt.chosen]
    expected = by_hand({org: n for org, (n, _) in tenants.items()}, {org: w for org, (_, w) in tenants.items()})
    assert served == list(expected)[: sum(rooms)]


@pytest.mark.integration
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tenants=_TENANTS, rooms=_ROOMS)
def test_batches_of_any_size_are_one_unbroken_round_robin(
    lab: Lab, tenants: dict[UUID, tuple[int, int]], rooms: list[int]
) -> None:
    with lab.connection.transaction(force_rollback=True):
        owners = {job: org for org, (jobs, _) in tenants.items() for job in lab.backlog(org, jobs)}
        for org, (_, weight) in tenants.items():
            lab.execute("INSERT INTO organizations (id, slug, name) VALUES (%s, %s, 'x')", org, f"o{org}")
            lab.execute("INSERT INTO queue_weights VALUES (%s, %s)", org, weight)
        served: list[UUID] = []
        cursor = START
        for room in rooms:
            taken, cursor, _ = take_turns(lab.connection, "default", room, cursor)
            served += [owners[job.id] for job in taken]
    expected = by_hand({org: n for org, (n, _) in tenants.items()}, {org: w for org, (_, w) in tenants.items()})
    assert served == list(expected)[: sum(rooms)]


@pytest.mark.integration
def test_a_tenant_of_weight_three_gets_three_jobs_a_round_and_what_is_idle_goes_to_the_others(lab: Lab) -> None:
    with lab.database.platform_scope() as session:
        set_weight(session, ORG, 3)
        assert weights(session) == {ORG: 3}
    heavy, light = lab.backlog(ORG, 60), lab.backlog(OTHER_ORG, 4)
    taken, cursor, more = take_turns(lab.connection, "default", 8, START)
    assert [job.id for job in taken] == [*heavy[:3], light[0], *heavy[3:6], light[1]]
    assert (cursor, more) == (Cursor(OTHER_ORG), True)
    taken, _, more = take_turns(lab.connection, "default", 100, cursor)
    assert len(taken) == 56
    assert not more
    with lab.database.platform_scope() as session:
        set_weight(session, ORG, 1)
        assert weights(session) == {}


@pytest.mark.integration
def test_room_that_small_tenants_do_not_use_is_filled_in_the_same_batch(lab: Lab) -> None:
    for number in range(1, 20):
        lab.backlog(UUID(int=number), 1)
    flood = lab.backlog(ORG, 1_000)
    taken, *_ = take_turns(lab.connection, "default", 256, START)
    assert len(taken) == 256
    assert sum(job.id in set(flood) for job in taken) == 256 - 19


@pytest.mark.integration
def test_an_urgent_job_goes_before_all_of_its_tenant_and_before_none_of_the_others(lab: Lab) -> None:
    mine, others = lab.backlog(ORG, 5), lab.backlog(OTHER_ORG, 5)
    urgent = lab.enqueue(Note(), org_id=OTHER_ORG, priority=1)
    taken, *_ = take_turns(lab.connection, "default", 4, START)
    assert [job.id for job in taken] == [mine[0], urgent, mine[1], others[0]]


@pytest.mark.integration
@pytest.mark.parametrize("weight", [0, 101])
def test_weights_out_of_range_are_refused(lab: Lab, weight: int) -> None:
    with lab.database.platform_scope() as session, pytest.raises(InvalidInputError):
        set_weight(session, ORG, weight)


@pytest.mark.integration
def test_an_unknown_tenant_has_no_weight(lab: Lab) -> None:
    with pytest.raises(NotFoundError), lab.database.platform_scope() as session:
        set_weight(session, UUID(int=999), 2)


def test_a_job_without_a_place_does_not_use_up_its_tenants_turn() -> None:
    closed = Allowance(UUID(int=9), None, "test.errand", None, 0, 0.0, _NOW, None)
    shut = [Waiting(UUID(int=n), ORG, "test.errand", None, 1, _NOW, 1) for n in range(3)]
    dealt = deal([*shut, *_line(ORG, 3, 1), *_line(OTHER_ORG, 3, 1)], START, 4, Allowances([closed]))
    assert Counter(job.org_id for job in dealt.chosen) == {ORG: 2, OTHER_ORG: 2}
    assert [(job.kind, limit) for job, limit in dealt.held] == [("test.errand", closed.id)] * 3
