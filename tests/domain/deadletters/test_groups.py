"""Dead letters by cause."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.deadletters.groups import SAMPLES, Group, list_groups
from domain.queue.dead import DeadFilter
from domain.queue.outcome import Dead
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab

pytestmark = pytest.mark.integration


def _groups(lab: Lab, which: DeadFilter | None = None, **paging: object) -> list[Group]:
    with lab.database.platform_scope() as session:
        return list(list_groups(session, which or DeadFilter(), **paging))  # type: ignore[arg-type]


def _die(lab: Lab, message: Note | Errand, reason: str = "no", org_id: UUID = ORG) -> UUID:
    job_id = lab.enqueue(message, org_id=org_id)
    assert lab.end(lab.run(job_id), Dead(reason, "Rejected"))
    return job_id


def test_a_group_says_what_died_of_it(lab: Lab) -> None:
    began = datetime.now(UTC)
    ids = [_die(lab, Note(), f"No answer from +1500555{number:04}", org) for number, org in enumerate([ORG] * 4)]
    ids.append(_die(lab, Note(), "No answer from +15005550199", OTHER_ORG))
    lone = _die(lab, Errand())
    many, one = _groups(lab)
    assert (many.count, many.tenants, many.kind, many.error_class) == (5, 2, "test.note", "Rejected")
    assert many.samples == ids[::-1][:SAMPLES]
    assert many.reason == "No answer from [phone …99]"
    assert began <= many.first_at < many.last_at <= datetime.now(UTC)
    assert many.fingerprint == lab.job(ids[0])["fingerprint"]
    assert (one.count, one.samples) == (1, [lone])


def test_groups_are_filtered_and_paged(lab: Lab) -> None:
    for number, words in enumerate(("refused", "late", "gone", "full")):
        for _ in range(1 + number // 2):
            _die(lab, Note(), words)
    _die(lab, Note(), "late", OTHER_ORG)
    everything = _groups(lab)
    assert [group.count for group in everything] == [2, 2, 2, 1]
    seen: list[Group] = []
    while page := _groups(lab, limit=1, after=(seen[-1].count, seen[-1].fingerprint) if seen else None):
        seen += page
    assert seen == everything
    (other,) = _groups(lab, DeadFilter(org_id=OTHER_ORG))
    assert (other.count, other.tenants) == (1, 1)
    assert _groups(lab, DeadFilter(kind="test.errand")) == []


def test_a_hundred_thousand_letters_are_grouped_within_seconds(lab: Lab) -> None:
    lab.execute(
        "INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts, fingerprint, finished_at, last_error)"
        " SELECT gen_random_uuid(), CASE WHEN n %% 3 = 0 THEN %s ELSE %s END, 'test.note', 'default', '{}', 'dead', 3,"
        "        'cause ' || n %% 40, now(), 'no' FROM generate_series(1, 100000) n",
        ORG,
        OTHER_ORG,
    )
    started = time.perf_counter()
    found = _groups(lab)
    assert time.perf_counter() - started < 5.0
    assert (len(found), sum(group.count for group in found)) == (40, 100_000)


def test_groups_are_found_by_a_part_of_the_error(lab: Lab) -> None:
    late, _ = _die(lab, Note(), "The line was CUT 50% of the time"), _die(lab, Note(), "late")
    for text in ("cut", "50% of"):
        (found,) = _groups(lab, DeadFilter(text=text))
        assert found.samples == [late]
    assert _groups(lab, DeadFilter(text="5_% of")) == []


def test_the_causes_that_somebody_died_of_last_come_first_when_asked_for(lab: Lab) -> None:
    for words in ("refused", "refused", "late", "gone"):
        _die(lab, Note(), words)
    in_order = _groups(lab, order="last_at")
    assert [group.reason for group in in_order] == ["gone", "late", "refused"]
    seen: list[Group] = []
    while page := _groups(
        lab, limit=1, order="last_at", after=(seen[-1].last_at, seen[-1].fingerprint) if seen else None
    ):
        seen += page
    assert seen == in_order
