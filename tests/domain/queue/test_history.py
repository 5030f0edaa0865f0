"""Jobs are found by whatever is known of them, newest first, and a page costs no more than it is allowed to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.kernel.database import raw_connection
from domain.kernel.ids import id_at
from domain.queue import history
from domain.queue.history import JobFilter, JobPage, ListedJob, list_jobs
from domain.queue.outcome import Cancel, Dead, Done, Retry
from tests.support.databases import Databases
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab
from tests.support.queue_lab import lab as open_lab

pytestmark = pytest.mark.integration

_JOBS = 200_000
_END = datetime.now(UTC) - timedelta(minutes=1)
_QUIET_ORG = UUID("00000000-0000-7000-8000-0000000000aa")
# A second apart; a rare kind, tenant and error are a month back, at the very beginning.
_FILL = """
    INSERT INTO jobs (id, org_id, kind, queue, args, state, attempt, max_attempts, created_at, run_at, attempted_at,
                      finished_at, last_error, error_class, fingerprint)
    SELECT (lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') || '7000' || '8000'
            || lpad(to_hex(n), 12, '0'))::uuid,
           CASE WHEN n <= 5 THEN %(quiet)s
                ELSE ('00000000-0000-7000-8000-0000001' || lpad((n %% 100)::text, 5, '0'))::uuid END,
           CASE WHEN n <= 5 THEN 'rare.kind' ELSE 'kind.' || n %% 20 END, 'default', '{}',
           CASE WHEN n %% 5000 = 2500 THEN 'cancelled' WHEN n %% 5000 = 2501 THEN 'dead' ELSE 'completed' END,
           1, 3, made, made, made, made,
           CASE WHEN n <= 5 OR n %% 5000 = 2501 THEN 'no' END,
           CASE WHEN n <= 5 THEN 'RareError' WHEN n %% 5000 = 2501 THEN 'SomeError' END,
           CASE WHEN n <= 5 THEN 'aaaaaaaaaaaaaaaa' WHEN n %% 5000 = 2501 THEN 'bbbbbbbbbbbbbbbb' END
    FROM (SELECT n, %(end)s - (%(jobs)s - n) * interval '1 second' AS made
          FROM generate_series(1, %(jobs)s) n) numbered
"""


def _ids(page: JobPage) -> list[UUID]:
    return [job.id for job in page.jobs]


def _pages(lab: Lab, which: JobFilter, limit: int) -> list[ListedJob]:
    found: list[ListedJob] = []
    before: UUID | None = None
    while True:
        with lab.database.platform_scope() as session:
            page = list_jobs(session, which, limit=limit, before=before)
        found += page.jobs
        if page.next is None:
            return found
        before = page.next


def test_jobs_are_found_by_whatever_is_known_of_them(lab: Lab) -> None:
    done, failed, died, stopped = (lab.enqueue(Note(str(number))) for number in range(4))
    waiting, others = lab.enqueue(Errand(1)), lab.enqueue(Note("x"), org_id=OTHER_ORG)
    later = lab.enqueue(Note(), run_at=datetime.now(UTC) + timedelta(hours=1))
    lab.end(lab.run(done), Done())
    lab.end(lab.run(failed), Retry("it broke", error_class="OddError"))
    lab.end(lab.run(died), Dead("no hope", "HopelessError"))
    lab.end(lab.run(stopped), Cancel("not needed"))
    runs = lab.run(lab.enqueue(Note("run"))).job_id
    fingerprint = lab.job(died)["fingerprint"]
    everything = [runs, later, others, waiting, stopped, died, failed, done]
    moment = datetime.now(UTC) + timedelta(minutes=1)
    found: Sequence[tuple[JobFilter, list[UUID]]] = [
        (JobFilter(), everything),
        (JobFilter(state="completed"), [done]),
        (JobFilter(state="executing"), [runs]),
        (JobFilter(state="available"), [others, waiting]),
        (JobFilter(state="scheduled"), [later]),
        (JobFilter(state="retryable"), [failed]),
        (JobFilter(state="dead"), [died]),
        (JobFilter(state="cancelled"), [stopped]),
        (JobFilter(kind="test.errand"), [waiting]),
        (JobFilter(kind="test.note"), [job for job in everything if job != waiting]),
        (JobFilter(queue="bulk"), [waiting]),
        (JobFilter(org_id=OTHER_ORG), [others]),
        (JobFilter(org_id=ORG, kind="test.note", state="completed"), [done]),
        (JobFilter(org_id=ORG, state="available"), [waiting]),
        (JobFilter(error_class="OddError"), [failed]),
        (JobFilter(error_class="HopelessError", state="dead"), [died]),
        (JobFilter(error_class="HopelessError", state="retryable"), []),
        (JobFilter(fingerprint=fingerprint), [died]),
        (JobFilter(until=moment), everything),
        (JobFilter(since=moment), []),
        (JobFilter(kind="test.errand", since=moment), []),
        (JobFilter(kind="test.errand", until=moment), [waiting]),
        (JobFilter(kind="nothing"), []),
    ]
    for which, ids in found:
        with lab.database.platform_scope() as session:
            assert _ids(list_jobs(session, which)) == ids, which


def test_a_time_bounds_when_a_job_was_made(lab: Lab) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    made = [id_at(noon + timedelta(milliseconds=ms)) for ms in (-1, 0, 999, 1_000)]
    for job_id in made:
        lab.execute(
            "INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts)"
            " VALUES (%s, %s, 'test.note', 'default', '{}', 'completed', 3)",
            job_id,
            ORG,
        )
    with lab.database.platform_scope() as session:
        page = list_jobs(session, JobFilter(since=noon, until=noon + timedelta(seconds=1)))
    assert _ids(page) == [made[2], made[1]]
    assert history.made_at(made[2]) == noon + timedelta(milliseconds=999)


@pytest.mark.parametrize(
    "which", [JobFilter(), JobFilter(org_id=ORG), JobFilter(kind="test.note"), JobFilter(state="available")]
)
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_pages_join_without_a_gap_where_live_and_ended_jobs_alternate(lab: Lab, which: JobFilter, limit: int) -> None:
    ids = [lab.backlog(ORG, 1, state=state)[0] for state in ("completed", "available", "dead", "executing") * 5]
    expected = [job for number, job in enumerate(ids) if which.state is None or number % 4 == 1][::-1]
    assert [job.id for job in _pages(lab, which, limit)] == expected


@pytest.mark.parametrize("which", [JobFilter(kind="test.errand"), JobFilter(state="completed", queue="bulk")])
def test_a_page_that_had_to_stop_says_until_when_it_looked_and_goes_on(lab: Lab, which: JobFilter) -> None:
    (oldest,) = lab.backlog(ORG, 1, state="completed", kind="test.errand", queue="bulk")
    lab.backlog(ORG, history.SCAN + 50, state="completed")
    with lab.database.platform_scope() as session:
        page = list_jobs(session, which)
    if which.kind is not None:
        assert (_ids(page), page.looked_until) == ([oldest], None)
        return
    assert page.jobs == []
    assert page.looked_until is not None
    assert page.next is not None
    with lab.database.platform_scope() as session:
        page = list_jobs(session, which, before=page.next)
    assert (_ids(page), page.next, page.looked_until) == ([oldest], None, None)


@pytest.fixture(scope="module", params=["statistics of today", "no statistics"])
def large(databases: Databases, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Give two days and a half of history, and live work of every sort."""
    with databases.migrated() as urls, open_lab(urls) as lab:
        with psycopg.connect(urls.superuser, autocommit=True) as superuser:
            superuser.execute("ALTER TABLE jobs SET (autovacuum_enabled = off)")
            superuser.execute(_FILL, {"jobs": _JOBS, "quiet": _QUIET_ORG, "end": _END})
            if request.param == "statistics of today":
                superuser.execute("VACUUM ANALYZE jobs")
        for state in ("scheduled", "available", "executing", "retryable"):
            lab.backlog(ORG, 40, state=state)
        yield lab


_READS = """
    SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
           + (SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(indexrelid)), 0) FROM pg_index
              WHERE indrelid = relid)
    FROM pg_stat_xact_user_tables WHERE relname = 'jobs'
"""


def _read(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(_READS).fetchone()
    return 0 if row is None else int(row[0])


_LIVE = 2 * 4 * 40
"""The same of what is live, where that is gathered."""
_SHOWN = 2 * 51 + 10
"""Entries of an index and rows of a full page."""
_TWICE = 2 * _SHOWN
"""A page that is not full is read twice, the second time to see whether there was more to look at."""
_SEARCHES: Sequence[tuple[JobFilter, int, int]] = [
    (JobFilter(), 50, _SHOWN),
    (JobFilter(kind="kind.3"), 50, _SHOWN + _LIVE),
    (JobFilter(kind="rare.kind"), 5, 20 + _LIVE),
    (JobFilter(kind="no.such"), 0, _LIVE),
    (JobFilter(org_id=_QUIET_ORG), 5, 20 + _LIVE),
    (JobFilter(org_id=_QUIET_ORG, kind="rare.kind"), 5, 20 + _LIVE),
    (JobFilter(org_id=_QUIET_ORG, state="completed", error_class="RareError"), 5, 20),
    (JobFilter(error_class="RareError"), 5, 20),
    (JobFilter(error_class="RareError", kind="rare.kind", org_id=_QUIET_ORG), 5, 20),
    (JobFilter(error_class="NoSuchError"), 0, 0),
    (JobFilter(fingerprint="a" * 16), 5, 20),
    (JobFilter(fingerprint="b" * 16, state="dead"), 40, _TWICE),
    (JobFilter(state="completed"), 50, _SHOWN + 8 * 40),
    (JobFilter(state="completed", kind="rare.kind"), 5, 20),
    (JobFilter(state="cancelled"), 40, _TWICE),
    (JobFilter(state="dead"), 40, _TWICE),
    (JobFilter(state="executing"), 40, _LIVE),
    (JobFilter(state="available", queue="default"), 40, _LIVE),
    (JobFilter(state="retryable", kind="rare.kind"), 0, _LIVE),
    (JobFilter(until=_END - timedelta(hours=20)), 50, _SHOWN),
    (JobFilter(kind="kind.3", until=_END - timedelta(hours=20)), 50, _SHOWN + _LIVE),
    (JobFilter(kind="kind.3", since=_END - timedelta(minutes=2)), 6, 30 + _LIVE),
]
_BOUNDED: Sequence[JobFilter] = [
    JobFilter(queue="bulk"),
    JobFilter(state="completed", queue="bulk"),
    JobFilter(kind="kind.3", queue="bulk"),
    JobFilter(kind="kind.3", org_id=ORG),
]


def test_a_page_reads_no_more_than_it_shows_whatever_statistics_say(large: Lab) -> None:
    for which, shown, most in _SEARCHES:
        with large.database.platform_scope() as session:
            before = _read(raw_connection(session))
            page = list_jobs(session, which)
            read = _read(raw_connection(session)) - before
        assert (len(page.jobs), page.looked_until) == (shown, None), which
        assert read <= most, which


def test_a_search_without_an_index_reads_so_much_and_no_more(large: Lab) -> None:
    for which in _BOUNDED:
        with large.database.platform_scope() as session:
            before = _read(raw_connection(session))
            page = list_jobs(session, which)
            read = _read(raw_connection(session)) - before
        assert page.jobs == []
        assert read <= 4 * history.SCAN + _LIVE, which


def test_more_live_work_than_is_gathered_is_looked_through_newest_first(lab: Lab) -> None:
    (ended,) = lab.backlog(ORG, 1, state="completed", kind="test.errand")
    ids = lab.backlog(ORG, history.LIVE_MOST + 1)
    for which, found in (
        (JobFilter(state="available"), [*reversed(ids)][:50]),
        (JobFilter(org_id=ORG), [*reversed(ids)][:50]),
        (JobFilter(kind="test.errand"), [ended]),
        (JobFilter(state="executing"), []),
    ):
        with lab.database.platform_scope() as session:
            assert _ids(list_jobs(session, which)) == found, which
