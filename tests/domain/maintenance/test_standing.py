"""How work that is due every so often stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import NotFoundError
from domain.kernel.ids import new_id
from domain.maintenance.standing import LastRun, LiveJob, Schedule, Standing
from domain.maintenance.work import PERIODIC, WORK, Work, work_named
from domain.queue.names import LIVE_STATES
from jobs.schedule import JOBS
from tests.support.queue_kinds import Note

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ASKED = Work("asked", HOUR, Note())
BY_CRON = Work("by-cron", HOUR, Note(), asked=False, command="by-cron")


def _ran(ago: timedelta, outcome: Any = "done", *, ended: bool = True) -> LastRun:  # noqa: ANN401 - an outcome or None
    return LastRun(NOW - ago, NOW - ago if ended else None, outcome, "", "worker")


def _live(state: Any, ago: timedelta) -> LiveJob:  # noqa: ANN401 - a state
    return LiveJob(new_id(), state, NOW - ago)


@pytest.mark.parametrize(
    ("standing", "asked_ago", "live", "last"),
    [
        ("never", None, None, None),
        ("fine", HOUR / 2, None, _ran(HOUR / 2)),
        ("fine", HOUR + timedelta(seconds=30), None, _ran(HOUR)),
        ("late", HOUR * 2, None, _ran(HOUR * 2)),
        ("failed", HOUR / 2, None, _ran(HOUR / 2, "failed")),
        ("running", HOUR / 2, _live("executing", HOUR / 2), _ran(HOUR)),
        ("running", HOUR * 5, _live("executing", HOUR * 5), _ran(HOUR * 6)),
        ("retrying", HOUR / 2, _live("retryable", -HOUR / 2), None),
        ("waiting", timedelta(seconds=5), _live("available", timedelta(seconds=5)), None),
        ("late", HOUR / 2, _live("available", HOUR / 2), _ran(HOUR)),
        ("waiting", HOUR / 2, _live("scheduled", -HOUR / 2), None),
        ("fine", -HOUR / 2, None, _ran(HOUR / 2)),
    ],
)
def test_what_the_scheduler_asks_for(
    standing: Standing, asked_ago: timedelta | None, live: LiveJob | None, last: LastRun | None
) -> None:
    asked_at = None if asked_ago is None else NOW - asked_ago
    assert Schedule(ASKED, NOW, asked_at, live, last).standing == standing


@pytest.mark.parametrize(
    ("standing", "live", "last"),
    [
        ("never", None, None),
        ("fine", None, _ran(HOUR * 1.9)),
        ("late", None, _ran(HOUR * 2.1)),
        ("late", None, _ran(HOUR * 2.1, "failed")),
        ("failed", None, _ran(HOUR / 2, "failed")),
        ("running", None, _ran(HOUR / 2, None, ended=False)),
        ("running", _live("executing", HOUR / 2), _ran(HOUR * 9)),
    ],
)
def test_what_cron_asks_for(standing: Standing, live: LiveJob | None, last: LastRun | None) -> None:
    assert Schedule(BY_CRON, NOW, None, live, last).standing == standing


def test_a_run_that_was_killed_is_seen_to_have_no_end() -> None:
    daily = Work("by-cron", timedelta(days=1), Note(), asked=False)
    assert Schedule(daily, NOW, None, None, _ran(HOUR * 3, None, ended=False)).standing == "unfinished"


def test_periods_that_nobody_asked_in_are_counted() -> None:
    missed = [
        Schedule(ASKED, NOW, NOW - ago).missed for ago in (HOUR / 2, HOUR * 1.5, HOUR * 2.5, HOUR * 24, -HOUR * 99)
    ]
    assert missed == [0, 0, 1, 23, 0]
    assert Schedule(ASKED, NOW).missed == 0


@given(
    asked=st.none() | st.timedeltas(timedelta(days=-999), timedelta(days=999)),
    live=st.none() | st.tuples(st.sampled_from(LIVE_STATES), st.timedeltas(timedelta(days=-9), timedelta(days=9))),
    last=st.none()
    | st.tuples(st.timedeltas(timedelta(days=-9), timedelta(days=9)), st.sampled_from(["done", "failed", None])),
    work=st.sampled_from([ASKED, BY_CRON]),
)
def test_everything_that_may_be_on_record_has_a_standing(
    asked: timedelta | None, live: tuple[Any, timedelta] | None, last: tuple[timedelta, Any] | None, work: Work
) -> None:
    schedule = Schedule(
        work,
        NOW,
        None if asked is None else NOW - asked,
        live and _live(*live),
        last and _ran(*last, ended=last[1] is not None),
    )
    assert schedule.standing in get_args(Standing)
    assert schedule.missed >= 0
    if live is not None and live[0] == "executing":
        assert schedule.standing == "running"


def test_work_is_found_by_its_name_and_by_what_cron_calls_it() -> None:
    assert work_named("recover-inbound") is work_named("conversations.recover_inbound")
    with pytest.raises(NotFoundError, match=r"There are: access\.sweep, "):
        work_named("nothing")


def test_every_command_for_cron_is_a_schedule_and_the_other_way_round() -> None:
    assert {job.name for job in JOBS} == {work.command for work in WORK if work.command}
    assert all(work.about for work in WORK)
    assert len({work.name for work in WORK}) == len(WORK)
    assert [work.name for work in PERIODIC if work.after_outage] == [
        "conversations.recover_inbound",
        "clients.carry_out_due",
    ]
