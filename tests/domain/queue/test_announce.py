"""Somebody is told of every death, once, and a flood of deaths is no flood of tellings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from domain.queue.announce import GROUP, announce
from domain.queue.dead import DeadFilter, requeue
from domain.queue.messages import JOB_DIED
from domain.queue.outcome import Dead
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab

pytestmark = pytest.mark.integration


def _announce(lab: Lab, limit: int = 1_000) -> int:
    with lab.database.platform_scope() as session:
        return announce(session, limit)


def _told(lab: Lab) -> list[tuple[UUID, list[UUID]]]:
    rows = lab.rows("SELECT org_id, args FROM jobs WHERE kind = %s ORDER BY id", JOB_DIED)
    return [(row["org_id"], [UUID(job_id) for job_id in row["args"]["job_ids"]]) for row in rows]


def _die(lab: Lab, message: Note | Errand, *, reason: str = "no", org_id: UUID = ORG) -> UUID:
    job_id = lab.enqueue(message, org_id=org_id)
    assert lab.end(lab.run(job_id), Dead(reason, "Rejected"))
    return job_id


def test_deaths_are_told_once_together_by_organization_and_cause(lab: Lab) -> None:
    alike = [_die(lab, Note()), _die(lab, Note())]
    other_cause, other_kind = _die(lab, Note(), reason="refused"), _die(lab, Errand())
    other_org = _die(lab, Note(), org_id=OTHER_ORG)
    lab.enqueue(Note())
    assert _announce(lab) == 5
    expected = [(ORG, alike), (ORG, [other_cause]), (ORG, [other_kind]), (OTHER_ORG, [other_org])]
    assert sorted(_told(lab)) == sorted(expected)
    assert _announce(lab) == 0
    assert len(_told(lab)) == 4


def test_a_second_death_is_told_again(lab: Lab) -> None:
    job_id = _die(lab, Note())
    _announce(lab)
    with lab.database.platform_scope() as session:
        requeue(session, DeadFilter(ids=[job_id]))
    assert lab.end(lab.run(job_id), Dead("no", "Rejected"))
    assert _announce(lab) == 1
    assert _told(lab) == [(ORG, [job_id])] * 2


def test_the_death_of_a_telling_is_not_told(lab: Lab) -> None:
    _die(lab, Note())
    _announce(lab)
    lab.execute("UPDATE jobs SET state = 'dead' WHERE kind = %s", JOB_DIED)
    assert _announce(lab) == 1
    assert len(_told(lab)) == 1


def test_a_flood_of_deaths_is_told_by_few_jobs(lab: Lab) -> None:
    lab.backlog(ORG, 3 * GROUP + 1, state="dead")
    assert [_announce(lab, 2 * GROUP) for _ in range(3)] == [2 * GROUP, GROUP + 1, 0]
    assert sorted(len(ids) for _, ids in _told(lab)) == [1, GROUP, GROUP, GROUP]


def test_announcers_that_look_at_once_tell_each_death_once(lab: Lab) -> None:
    dead = lab.backlog(ORG, 600, state="dead")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: _announce(lab, 100), range(16)))
    while _announce(lab, 100):
        pass
    assert sorted(job_id for _, ids in _told(lab) for job_id in ids) == sorted(dead)
