"""Runs are listed by their worker, or of all workers, newest first, without reading the history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.queue import runs
from domain.queue.history import JobFilter
from domain.queue.outcome import Done, Retry
from domain.queue.runs import ListedRun, RunPage, list_runs
from tests.support.databases import Databases
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab
from tests.support.queue_lab import lab as open_lab

pytestmark = pytest.mark.integration
_ATTEMPTS = 100_000
_FILL = """
    WITH made AS (
        INSERT INTO jobs (id, org_id, kind, queue, args, state, attempt, max_attempts)
        SELECT gen_random_uuid(), %(org)s, 'test.note', 'default', '{}', 'completed', 1, 3
        FROM generate_series(1, %(jobs)s)
        RETURNING id
    )
    INSERT INTO job_attempts (job_id, attempt, org_id, worker_id, started_at, finished_at, outcome)
    SELECT id, 1, %(org)s, (%(workers)s::uuid[])[1 + n %% 4], now() - n * interval '10 ms', now(), 'completed'
    FROM (SELECT id, row_number() OVER () AS n FROM made) numbered
"""


def _page(lab: Lab, which: JobFilter | None = None, **how: Any) -> RunPage:  # noqa: ANN401 - what `list_runs` takes
    with lab.database.platform_scope() as session:
        return list_runs(session, which or JobFilter(), now=datetime.now(UTC), **how)


def _jobs(page: RunPage) -> list[UUID]:
    return [run.job_id for run in page.runs]


def test_runs_are_found_by_worker_and_by_what_is_known_of_their_jobs(lab: Lab) -> None:
    other = lab.new_worker()
    done, failed, errand = lab.enqueue(Note()), lab.enqueue(Note()), lab.enqueue(Errand(1), org_id=OTHER_ORG)
    lab.end(lab.run(done), Done("well"))
    lab.end(lab.run(failed, worker=other), Retry("it broke", error_class="OddError"))
    lab.run(errand, worker=other)
    cases: Sequence[tuple[dict[str, Any], list[UUID]]] = [
        ({}, [errand, failed, done]),
        ({"worker_id": other}, [errand, failed]),
        ({"worker_id": lab.worker}, [done]),
        ({"worker_id": new_id()}, []),
        ({"which": JobFilter(kind="test.errand")}, [errand]),
        ({"which": JobFilter(queue="bulk"), "worker_id": other}, [errand]),
        ({"which": JobFilter(state="completed")}, [done]),
        ({"which": JobFilter(org_id=OTHER_ORG)}, [errand]),
        ({"which": JobFilter(error_class="OddError")}, [failed]),
        ({"which": JobFilter(fingerprint=lab.job(failed)["fingerprint"])}, [failed]),
        ({"which": JobFilter(since=datetime.now(UTC) + timedelta(minutes=1)), "worker_id": other}, []),
        ({"which": JobFilter(until=datetime.now(UTC) - timedelta(minutes=1))}, []),
    ]
    for how, expected in cases:
        assert _jobs(_page(lab, **how)) == expected, how
    newest, broken, first = _page(lab).runs
    assert (newest.finished_at, newest.outcome, newest.state) == (None, None, "executing")
    assert (broken.outcome, broken.error_class, broken.reason) == ("retry", "OddError", "it broke")
    assert (first.outcome, first.reason, first.worker_id) == ("completed", "well", lab.worker)


def test_each_run_of_a_job_is_listed(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    for _ in range(2):
        lab.end(lab.run(job_id), Retry("again"))
        lab.execute("UPDATE jobs SET state = 'available' WHERE id = %s", job_id)
    assert [(run.job_id, run.attempt) for run in _page(lab).runs] == [(job_id, 2), (job_id, 1)]


@pytest.mark.parametrize("one", [True, False])
def test_pages_join_without_a_gap_where_runs_began_at_the_same_moment(lab: Lab, one: bool) -> None:  # noqa: FBT001
    ids = [lab.enqueue(Note()) for _ in range(10)]
    lab.claim(*ids[:6])
    lab.claim(*ids[6:])
    seen: list[ListedRun] = []
    how: dict[str, Any] = {"worker_id": lab.worker} if one else {}
    page = _page(lab, limit=3, **how)
    seen += page.runs
    while page.next is not None:
        page = _page(lab, limit=3, after=page.next, **how)
        seen += page.runs
    assert [run.job_id for run in seen] == [*reversed(ids[6:]), *reversed(ids[:6])]


def test_workers_that_stopped_long_ago_and_runs_before_the_last_hour_are_left_out(lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lab.claim(job_id)
    assert _jobs(_page(lab)) == [job_id]
    lab.execute("UPDATE workers SET stopped_at = now() - interval '2 hours' WHERE id = %s", lab.worker)
    assert _jobs(_page(lab)) == []
    assert _jobs(_page(lab, worker_id=lab.worker)) == [job_id]


@pytest.fixture(scope="module")
def large(databases: Databases) -> Any:  # noqa: ANN401 - yields a lab and its workers
    with databases.migrated() as urls, open_lab(urls) as lab:
        workers = [lab.worker, *(lab.new_worker() for _ in range(3))]
        with psycopg.connect(urls.superuser, autocommit=True) as superuser:
            superuser.execute("ALTER TABLE jobs SET (autovacuum_enabled = off)")
            superuser.execute(_FILL, {"jobs": _ATTEMPTS, "org": ORG, "workers": workers})
        yield lab, workers


_READS = """
    SELECT (SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables
            WHERE relname ~ '^(jobs|job_attempts.*)$')
         + (SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(indexrelid)), 0) FROM pg_index
            WHERE indrelid::regclass::text ~ '^(jobs|job_attempts.*)$')
"""


@pytest.mark.parametrize("statistics", ["none", "of today"])
def test_a_page_of_runs_reads_a_bounded_number_of_rows(large: tuple[Lab, list[UUID]], statistics: str) -> None:
    lab, workers = large
    if statistics == "of today":
        with psycopg.connect(lab.urls.superuser, autocommit=True) as superuser:
            superuser.execute("ANALYZE jobs")
            superuser.execute("ANALYZE job_attempts")
    searches: Sequence[tuple[JobFilter, UUID | None, int, int]] = [
        (JobFilter(), workers[2], 50, 51),
        (JobFilter(kind="test.note"), workers[2], 50, 51),
        (JobFilter(until=datetime.now(UTC) - timedelta(minutes=5)), workers[2], 50, 51),
        (JobFilter(kind="no.such"), workers[2], 0, runs.SCAN),
        (JobFilter(), None, 50, 4 * runs.SCAN_EACH),
        (JobFilter(kind="no.such"), None, 0, 4 * runs.SCAN_EACH),
    ]
    for which, worker_id, shown, looked_at in searches:
        with lab.database.platform_scope() as session:
            connection = raw_connection(session)
            before = _read(connection)
            page = list_runs(session, which, now=datetime.now(UTC), worker_id=worker_id)
            read = _read(connection) - before
        assert len(page.runs) == shown, which
        assert (page.looked_until is None) == bool(shown), which
        # The run and its entry, its job and its entry, and the entries again to see where the looking stopped.
        assert read <= 5 * looked_at + 2 * runs.SCAN + 50, which


def _read(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(_READS).fetchone()
    assert row is not None
    return int(row[0])
