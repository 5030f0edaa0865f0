"""A flood of dead letters: tried dry, requeued and run, in the memory of one page.

`python -m benchmarks deadletters` does the same with a hundred thousand.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest

from domain.deadletters.fates import Fate
from domain.deadletters.forecast import forecast
from domain.deadletters.messages import Operate
from domain.deadletters.operate import operate
from domain.deadletters.operations import Request, begin
from domain.kernel.clock import SystemClock
from domain.queue.dead import DeadFilter, list_dead, pages
from domain.queue.message import spec_of
from domain.queue.outcome import Done
from domain.queue.upkeep import keep_up
from tests.domain.deadletters.conftest import OPERATOR
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab

pytestmark = pytest.mark.integration

_MANY = 20_000
_MEMORY = 6 * 2**20
"""Bytes. A page of letters with their arguments is less; all of them are several times as much."""


@contextmanager
def _little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < _MEMORY, f"{peak / 2**20:.0f} MiB"


@pytest.fixture
def flooded(lab: Lab) -> Lab:
    """Give a queue in which many jobs of two organizations and forty causes are dead."""
    return _flood(lab)


@pytest.fixture(params=["never analysed", "analysed before", "analysed after"])
def known(lab: Lab, request: pytest.FixtureRequest) -> Lab:
    """Give the same, whenever PostgreSQL last counted: before the flood, there was much that had nothing dead in it."""
    with psycopg.connect(lab.urls.superuser, autocommit=True) as superuser:
        superuser.execute("ALTER TABLE jobs SET (autovacuum_enabled = false)")
        if request.param == "analysed before":
            lab.backlog(ORG, 1_000, state="completed")
            superuser.execute("VACUUM ANALYZE jobs")
        _flood(lab)
        if request.param == "analysed after":
            superuser.execute("VACUUM ANALYZE jobs")
    return lab


def _flood(lab: Lab) -> Lab:
    lab.execute(
        "INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts, attempt, fingerprint, finished_at,"
        "                  last_error, unique_key)"
        " SELECT gen_random_uuid(), CASE WHEN n %% 3 = 0 THEN %s ELSE %s END, %s, 'default',"
        "        jsonb_build_object('text', repeat('a', 100)), 'dead', 3, 3, 'cause ' || n %% 40, now(), 'no',"
        "        CASE WHEN n %% 2 = 0 THEN 'key ' || n END FROM generate_series(1, %s) n",
        ORG,
        OTHER_ORG,
        spec_of(Note).kind,
        _MANY,
    )
    return lab


def test_a_flood_is_requeued_and_run_in_the_memory_of_a_page(flooded: Lab) -> None:
    lab = flooded
    with lab.database.platform_scope() as session:
        operation = begin(session, Request("requeue", DeadFilter(kind="test.note"), "fixed"), OPERATOR)
    job_id = lab.value("SELECT id FROM jobs WHERE kind = 'deadletters.operate'")
    with _little_memory():
        assert isinstance(operate(Operate(operation.id), lab.run(job_id), SystemClock()), Done)
    row = lab.rows("SELECT state, total, done, skipped FROM dead_operations")[0]
    assert row == {"state": "finished", "total": _MANY, "done": _MANY, "skipped": 0}
    ran = 0
    while ids := lab.rows("SELECT id FROM jobs WHERE queue = 'default' AND state = 'available' LIMIT 5000"):
        claimed = lab.claim(*(row["id"] for row in ids))
        ended = [run.finished(run.ending(Done())) for run in map(lab.run_of, claimed)]
        ran += len(lab.end_so(*ended))
    assert ran == _MANY


def test_a_flood_is_tried_dry_in_the_memory_of_a_page(flooded: Lab) -> None:
    with _little_memory(), flooded.database.platform_scope() as session:
        found = forecast(session, DeadFilter(), now=datetime.now(UTC))
    assert found.fates == {Fate.RUNS: _MANY}


@pytest.mark.parametrize(
    "which",
    [DeadFilter(), DeadFilter(fingerprint="cause 7"), DeadFilter(org_id=ORG), DeadFilter(kind="test.note")],
    ids=["all", "cause", "tenant", "kind"],
)
def test_a_page_reads_no_more_than_a_page(known: Lab, which: DeadFilter) -> None:
    """However many are dead: the next page is found by an index, not by sorting what is left."""
    with known.database.platform_scope() as session:
        connection = session.connection()
        before = connection.exec_driver_sql(_READ).scalar_one()
        last = None
        for _, letters in zip(range(2), pages(session, which), strict=False):
            last = letters[-1].id
        list_dead(session, which, after_id=last, newest_first=True)
        read = connection.exec_driver_sql(_READ).scalar_one() - before
    assert 500 <= read < 8_000


_READ = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'jobs'"


def test_nothing_ever_expires_a_dead_letter(lab: Lab) -> None:
    (job_id,) = lab.backlog(ORG, 1, state="dead")
    lab.execute("UPDATE jobs SET finished_at = now() - interval '20 years', created_at = now() - interval '20 years'")
    keep_up(lab.connection)
    assert lab.job(job_id)["state"] == "dead"
