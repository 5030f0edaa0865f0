"""Limits on how many jobs run at once and how many start a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import pytest

from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.queue import control, dispatch
from domain.queue.limits import LimitRule, list_limits, remove_limit, set_limit
from domain.queue.outcome import Done
from domain.queue.run import Run
from domain.queue.turns import START, Cursor
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab

pytestmark = pytest.mark.integration


def _limit(lab: Lab, rule: LimitRule) -> UUID:
    with lab.database.platform_scope() as session:
        return set_limit(session, rule)


def _take(lab: Lab, room: int = 64, queue: str = "default", after: Cursor = START) -> Sequence[UUID]:
    with lab.connection.transaction():
        batch = dispatch.take(lab.connection, queue, room, after)
    assert batch is not None
    return batch.ids


def _work(lab: Lab, ids: Sequence[UUID]) -> list[Run]:
    return [Run(claimed, lab.database) for claimed in lab.claim(*ids)]


def _end(lab: Lab, runs: Sequence[Run]) -> None:
    for run in runs:
        assert lab.end(run, Done())


def test_no_more_jobs_of_a_kind_are_handed_out_than_may_run_at_once(lab: Lab) -> None:
    _limit(lab, LimitRule(kind="test.note", max_running=3))
    ids = lab.backlog(ORG, 10)
    first = _take(lab)
    assert list(first) == list(ids[:3])
    assert _take(lab) == []
    runs = _work(lab, first)
    assert _take(lab) == []
    _end(lab, runs[:2])
    assert list(_take(lab)) == list(ids[3:5])
    assert _take(lab) == []


def test_what_a_limit_holds_back_leaves_the_room_to_others(lab: Lab) -> None:
    _limit(lab, LimitRule(kind="test.note", max_running=1))
    held = lab.backlog(ORG, 3_000)
    free = lab.backlog(ORG, 5, kind="test.other")
    assert list(_take(lab, 6)) == [held[0]]
    assert list(_take(lab, 5)) == free
    looked = dispatch.outlook(lab.connection)
    assert (looked.waiting, looked.held) == ([], ["default"])


def test_a_tenants_limit_spans_its_queues_and_no_other_tenant(lab: Lab) -> None:
    _limit(lab, LimitRule(tenant_id=ORG, max_running=2))
    lab.backlog(ORG, 3)
    lab.backlog(ORG, 3, queue="bulk")
    others = lab.backlog(OTHER_ORG, 3)
    first = _take(lab)
    assert len(first) == 5
    assert set(others) < set(first)
    assert _take(lab, queue="bulk") == []


def test_a_key_is_limited_across_kinds_and_jobs_without_it_are_not(lab: Lab) -> None:
    _limit(lab, LimitRule(key="crm:1", max_running=1))
    with_key = [lab.enqueue(Note(), limit_key="crm:1") for _ in range(3)]
    without = [lab.enqueue(Note()), lab.enqueue(Note(), limit_key="crm:2")]
    assert set(_take(lab)) == {with_key[0], *without}


def test_a_job_needs_a_place_under_each_limit_that_counts_it(lab: Lab) -> None:
    _limit(lab, LimitRule(kind="test.note", max_running=5))
    _limit(lab, LimitRule(tenant_id=ORG, kind="test.note", max_running=2))
    lab.backlog(ORG, 10)
    lab.backlog(OTHER_ORG, 10)
    taken = _take(lab)
    assert Counter(lab.job(job_id)["org_id"] for job_id in taken) == {ORG: 2, OTHER_ORG: 3}
    _end(lab, _work(lab, taken))
    assert Counter(lab.job(job_id)["org_id"] for job_id in _take(lab)) == {ORG: 2, OTHER_ORG: 3}


def test_tenants_that_share_a_limit_get_its_places_in_turn(lab: Lab) -> None:
    _limit(lab, LimitRule(kind="test.note", max_running=1))
    lab.backlog(ORG, 20)
    lab.backlog(OTHER_ORG, 20)
    served: Counter[UUID] = Counter()
    # The cursor of the queue always stands where other work was served last: it says nothing about this limit.
    for _ in range(10):
        taken = _take(lab)
        served.update(lab.job(job_id)["org_id"] for job_id in taken)
        _end(lab, _work(lab, taken))
        lab.backlog(ORG, 1)
    assert served == {ORG: 5, OTHER_ORG: 5}


def test_a_limit_of_nothing_stops_a_kind_until_it_is_raised(lab: Lab) -> None:
    _limit(lab, LimitRule(kind="test.note", max_running=0))
    ids = lab.backlog(ORG, 5)
    assert _take(lab) == []
    again = _limit(lab, LimitRule(kind="test.note", max_running=2))
    assert list(_take(lab)) == list(ids[:2])
    with lab.database.platform_scope() as session:
        (limit,) = list_limits(session)
    assert (limit.id, limit.max_running, limit.running, limit.handed_over, limit.held) == (again, 2, 0, 2, 3)


def test_a_removed_limit_lets_go_of_what_it_held(lab: Lab) -> None:
    limit_id = _limit(lab, LimitRule(kind="test.note", max_running=0))
    ids = lab.backlog(ORG, 5)
    assert _take(lab) == []
    with lab.database.platform_scope() as session:
        remove_limit(session, limit_id)
    assert dispatch.outlook(lab.connection).held == ["default"]
    assert list(_take(lab)) == list(ids)
    assert dispatch.outlook(lab.connection).held == []
    with pytest.raises(NotFoundError), lab.database.platform_scope() as session:
        remove_limit(session, limit_id)


def test_a_lowered_limit_lets_what_runs_go_on_and_counts_it(lab: Lab) -> None:
    _limit(lab, LimitRule(kind="test.note", max_running=4))
    lab.backlog(ORG, 10)
    runs = _work(lab, _take(lab))
    _limit(lab, LimitRule(kind="test.note", max_running=1))
    _end(lab, runs[:3])
    assert _take(lab) == []
    _end(lab, runs[3:])
    assert len(_take(lab)) == 1


def test_a_rate_lets_a_seconds_worth_start_and_fills_up_again(lab: Lab) -> None:
    _limit(lab, LimitRule(kind="test.note", per_minute=600))
    lab.backlog(ORG, 100)
    taken = _take(lab)
    assert len(taken) == 10
    _end(lab, _work(lab, taken))
    lab.execute("UPDATE queue_limits SET tokens = 0, refilled_at = clock_timestamp() - interval '0.45 s'")
    assert 4 <= len(_take(lab)) <= 10


def test_a_rate_counts_what_workers_have_not_begun(lab: Lab) -> None:
    _limit(lab, LimitRule(kind="test.note", per_minute=600))
    lab.backlog(ORG, 100)
    assert len(_take(lab)) == 10
    lab.execute("UPDATE queue_limits SET refilled_at = clock_timestamp() - interval '1 hour'")
    assert _take(lab) == []


def test_a_rate_goes_on_after_the_clock_was_set_back(lab: Lab) -> None:
    _limit(lab, LimitRule(kind="test.note", per_minute=60))
    lab.backlog(ORG, 5)
    _end(lab, _work(lab, _take(lab)))
    lab.execute("UPDATE queue_limits SET refilled_at = clock_timestamp() + interval '1 hour'")
    assert _take(lab) == []
    assert lab.value("SELECT refilled_at <= clock_timestamp() FROM queue_limits")
    lab.execute("UPDATE queue_limits SET refilled_at = clock_timestamp() - interval '1 s'")
    assert len(_take(lab)) == 1


def test_an_old_copy_of_an_id_does_not_run_a_job_past_its_limit(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    (taken,) = _take(lab)
    _limit(lab, LimitRule(kind="test.note", max_running=1))
    dispatch.unmark(lab.connection, [taken])
    assert lab.claim(job_id) == []
    assert list(_take(lab)) == [job_id]
    assert len(lab.claim(job_id)) == 1


def test_a_held_job_that_is_cancelled_is_held_no_more(lab: Lab) -> None:
    _limit(lab, LimitRule(kind="test.note", max_running=0))
    job_id = lab.enqueue(Note())
    assert _take(lab) == []
    with lab.database.tenant_scope(ORG) as session:
        control.cancel(session, job_id)
    assert dispatch.outlook(lab.connection).held == []
    assert lab.job(job_id)["held_by"] is None


def test_jobs_of_a_paused_queue_do_not_keep_places_from_other_queues(lab: Lab) -> None:
    _limit(lab, LimitRule(tenant_id=ORG, max_running=1))
    (stuck,) = lab.backlog(ORG, 1)
    (other,) = lab.backlog(ORG, 1, queue="bulk")
    assert list(_take(lab)) == [stuck]
    with lab.database.platform_scope() as session:
        control.pause(session, "default", "maintenance")
    assert dispatch.take_back(lab.connection, 0.0) == 1
    assert list(_take(lab, queue="bulk")) == [other]


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"kind": "x"},
        {"kind": "", "max_running": 1},
        {"kind": "x", "max_running": -1},
        {"kind": "x", "per_minute": 0},
        {"max_running": 1},
    ],
)
def test_limits_that_make_no_sense_are_refused(rule: dict[str, str | int]) -> None:
    with pytest.raises(InvalidInputError):
        LimitRule(**rule)  # type: ignore[arg-type]


def test_limits_are_listed_by_tenant_and_paged(lab: Lab) -> None:
    mine = _limit(lab, LimitRule(tenant_id=ORG, max_running=1))
    all_ids = [mine, *(_limit(lab, LimitRule(kind=f"k{n}", per_minute=n)) for n in range(1, 4))]
    with lab.database.platform_scope() as session:
        assert [limit.id for limit in list_limits(session, tenant_id=ORG)] == [mine]
        assert [limit.id for limit in list_limits(session, limit=2)] == all_ids[:2]
        assert [limit.id for limit in list_limits(session, after=all_ids[1])] == all_ids[2:]
    with pytest.raises(NotFoundError):
        _limit(lab, LimitRule(tenant_id=UUID(int=77), max_running=1))
