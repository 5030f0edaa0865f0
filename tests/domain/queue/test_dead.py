"""Dead letters: found, requeued with their history, or resolved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.kernel.errors import ConflictError
from domain.queue.dead import DeadFilter, count_dead, discard, list_dead, requeue
from domain.queue.outcome import Dead, Done, Retry
from tests.support.eventually import eventually
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab

pytestmark = pytest.mark.integration


def _dead(lab: Lab, *, reason: str = "no", unique_key: str | None = None, org_id: UUID = ORG) -> UUID:
    job_id = lab.enqueue(Note(), unique_key=unique_key, org_id=org_id)
    assert lab.end(lab.run(job_id), Dead(reason, "Rejected"))
    return job_id


def _requeue(lab: Lab, which: DeadFilter) -> int:
    with lab.database.platform_scope() as session:
        return requeue(session, which)


def test_a_requeued_letter_has_all_its_tries_again_and_keeps_its_history(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    for _ in range(3):
        lab.end(lab.run(job_id), Retry("no"))
        lab.execute("UPDATE jobs SET state = 'available' WHERE state = 'retryable'")
    lab.execute("UPDATE jobs SET lost_count = 2, cancel_requested_at = now()")
    assert _requeue(lab, DeadFilter(ids=[job_id])) == 1
    row = lab.job(job_id)
    assert (row["state"], row["attempt"], row["max_attempts"], row["lost_count"]) == ("available", 3, 6, 0)
    assert (row["finished_at"], row["cancel_requested_at"], row["queued_at"]) == (None, None, None)
    run = lab.run(job_id)
    assert (run.attempt, run.tries) == (4, 1)
    assert lab.end(run, Done())
    assert [a["outcome"] for a in lab.attempts(job_id)] == ["retry", "retry", "dead", "completed"]


def test_filters_narrow(lab: Lab) -> None:
    first = _dead(lab)
    other_cause = _dead(lab, reason="refused")
    other_org = _dead(lab, org_id=OTHER_ORG)
    errand = lab.enqueue(Errand())
    lab.end(lab.run(errand), Dead("no", "Rejected"))
    lab.enqueue(Note())
    now = datetime.now(UTC)
    found = {
        "all": DeadFilter(),
        "kind": DeadFilter(kind="test.errand"),
        "cause": DeadFilter(fingerprint=lab.job(first)["fingerprint"]),
        "tenant": DeadFilter(org_id=OTHER_ORG),
        "since": DeadFilter(after=now - timedelta(minutes=5)),
        "until": DeadFilter(before=now - timedelta(minutes=5)),
        "none": DeadFilter(ids=[]),
    }
    with lab.database.platform_scope() as session:
        ids = {name: {job.id for job in list_dead(session, which)} for name, which in found.items()}
        counts = {name: count_dead(session, which) for name, which in found.items()}
    everything = {first, other_cause, other_org, errand}
    assert ids == {
        "all": everything,
        "kind": {errand},
        "cause": {first, other_org},
        "tenant": {other_org},
        "since": everything,
        "until": set(),
        "none": set(),
    }
    assert counts == {name: len(found) for name, found in ids.items()}


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_follow_each_other(lab: Lab, *, newest_first: bool) -> None:
    ids = [_dead(lab) for _ in range(5)]
    seen: list[UUID] = []
    with lab.database.platform_scope() as session:
        while page := list_dead(
            session, DeadFilter(), limit=2, after_id=seen[-1] if seen else None, newest_first=newest_first
        ):
            seen += [job.id for job in page]
    assert seen == (ids[::-1] if newest_first else ids)


def test_a_tenant_sees_and_requeues_its_own_letters_only(lab: Lab) -> None:
    mine, other = _dead(lab), _dead(lab, org_id=OTHER_ORG)
    with lab.database.tenant_scope(ORG) as session:
        assert [job.id for job in list_dead(session, DeadFilter())] == [mine]
        assert requeue(session, DeadFilter(ids=[mine, other])) == 1
    assert lab.job(other)["state"] == "dead"


def test_a_letter_whose_unique_key_is_held_stays(lab: Lab) -> None:
    held, free = _dead(lab, unique_key="k"), _dead(lab, unique_key="l")
    live = lab.enqueue(Note(), unique_key="k")
    assert _requeue(lab, DeadFilter()) == 1
    assert [lab.job(job_id)["state"] for job_id in (held, free, live)] == ["dead", "available", "available"]
    assert lab.end(lab.run(live), Done())
    assert _requeue(lab, DeadFilter()) == 1


def test_of_letters_with_one_unique_key_the_newest_runs_again(lab: Lab) -> None:
    older, newer = _dead(lab, unique_key="k"), _dead(lab, unique_key="k")
    others = _dead(lab), _dead(lab), _dead(lab, unique_key="k", org_id=OTHER_ORG)
    assert _requeue(lab, DeadFilter()) == 4
    assert [lab.job(job_id)["state"] for job_id in (older, newer, *others)] == ["dead", *["available"] * 4]


def test_a_job_that_takes_the_key_in_the_same_moment_is_a_conflict(lab: Lab) -> None:
    job_id = _dead(lab, unique_key="k")
    with ThreadPoolExecutor(1) as pool:
        with lab.connect() as rival, rival.transaction():
            rival.execute(
                "INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts, unique_key)"
                " VALUES (gen_random_uuid(), %s, 'test.note', 'default', '{}', 'available', 3, 'k')",
                (ORG,),
            )
            requeueing = pool.submit(_requeue, lab, DeadFilter(ids=[job_id]))
            eventually(lambda: lab.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == 1)
        with pytest.raises(ConflictError):
            requeueing.result()
    assert lab.job(job_id)["state"] == "dead"


def test_only_dead_letters_are_requeued_and_only_once(lab: Lab) -> None:
    job_id, live = _dead(lab), lab.enqueue(Note())
    assert _requeue(lab, DeadFilter(ids=[job_id, live])) == 1
    assert _requeue(lab, DeadFilter(ids=[job_id, live])) == 0


def test_a_letter_of_a_kind_that_is_gone_can_still_be_requeued(lab: Lab) -> None:
    job_id = _dead(lab)
    lab.execute("UPDATE jobs SET kind = 'test.gone'")
    assert _requeue(lab, DeadFilter(kind="test.gone")) == 1
    assert lab.job(job_id)["max_attempts"] == 6


def test_a_discarded_letter_is_cancelled_with_its_reason_and_keeps_its_history(lab: Lab) -> None:
    job_id, kept = _dead(lab), _dead(lab, reason="refused")
    with lab.database.platform_scope() as session:
        assert discard(session, DeadFilter(ids=[job_id]), "The customer called.") == 1
    row = lab.job(job_id)
    assert (row["state"], row["last_error"]) == ("cancelled", "Discarded: The customer called.")
    assert [a["outcome"] for a in lab.attempts(job_id)] == ["dead"]
    assert lab.job(kept)["state"] == "dead"
