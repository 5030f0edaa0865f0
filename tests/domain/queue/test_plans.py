"""The hot statements read partial indexes of live work, whatever history has piled up.

What the planner chose is not read from its words: PostgreSQL counts the sequential scans of each table itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.kernel.database import raw_connection
from domain.queue import dispatch
from domain.queue.claim import claim, claimed_already
from domain.queue.dead import DeadFilter, count_dead, list_dead, requeue
from domain.queue.enqueue import enqueue
from domain.queue.finish import Finished, finish
from domain.queue.policy import Ending
from domain.queue.presence import heartbeats, stop
from domain.queue.rescue import rescue
from domain.queue.stats import depths
from tests.support.databases import Databases, DatabaseUrls
from tests.support.queue_kinds import Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab
from tests.support.queue_lab import lab as open_lab

pytestmark = pytest.mark.integration

_FINISHED = 20_000
_TIMES = 8
"""More often than the five times after which PostgreSQL considers a plan that knows no parameters."""

Action = Callable[[psycopg.Connection[Any]], object]
_WORKER = UUID("00000000-0000-7000-8000-00000000000a")


@pytest.fixture(scope="module")
def old_lab(lab_urls: DatabaseUrls) -> Iterator[Lab]:
    """Give a queue with a long history and some of everything that is live."""
    with open_lab(lab_urls) as opened:
        opened.execute(
            "INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts, attempt, attempted_at, finished_at)"
            " SELECT gen_random_uuid(), %s, 'test.note', 'default', '{}', 'completed', 3, 1, now(), now()"
            " FROM generate_series(1, %s)",
            ORG,
            _FINISHED,
        )
        for state in ("scheduled", "available", "executing", "retryable", "dead"):
            opened.backlog(OTHER_ORG, 40, state=state)
        opened.execute(
            "UPDATE jobs SET run_at = now() - make_interval(hours => %s) WHERE state IN ('scheduled', 'retryable')",
            -1,
        )
        with psycopg.connect(opened.urls.superuser, autocommit=True) as superuser:
            superuser.execute("VACUUM ANALYZE jobs")
        yield opened


def _some(connection: psycopg.Connection[Any]) -> list[UUID]:
    return [row[0] for row in connection.execute("SELECT id FROM jobs WHERE id > %s ORDER BY id LIMIT 9", (_WORKER,))]


def _claim(connection: psycopg.Connection[Any]) -> None:
    claim(connection, _WORKER, _some(connection))
    claimed_already(connection, _WORKER, _some(connection))


def _finish(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    finish(connection, [Finished(job_id, 1, row[0], Ending("completed", "completed")) for job_id in _some(connection)])


_ACTIONS: dict[str, Action] = {
    "claim": _claim,
    "finish": _finish,
    "take": lambda c: dispatch.take(c, "default", 8),
    "stale": lambda c: dispatch.stale(c, "default", 5.0, 100),
    "promote": lambda c: dispatch.promote(c, 100),
    "outlook": dispatch.outlook,
    "unmark": lambda c: dispatch.unmark(c, _some(c)),
    "rescue": rescue,
    "heartbeats": heartbeats,
    "stop": lambda c: stop(c, []),
    "depths": depths,
}


def _jobs_read_in_sequence(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'jobs'").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("name", _ACTIONS)
def test_the_platforms_statements_never_read_history(old_lab: Lab, name: str) -> None:
    with old_lab.connect() as connection, connection.transaction(force_rollback=True):
        before = _jobs_read_in_sequence(connection)
        for _ in range(_TIMES):
            _ACTIONS[name](connection)
        assert _jobs_read_in_sequence(connection) == before


def test_a_tenants_statements_never_read_history(old_lab: Lab) -> None:
    with old_lab.database.tenant_scope(OTHER_ORG) as session:
        connection = raw_connection(session)
        before = _jobs_read_in_sequence(connection)
        for number in range(_TIMES):
            enqueue(session, Note(), org_id=OTHER_ORG, unique_key=f"{number // 2}")
            list_dead(session, DeadFilter())
            count_dead(session, DeadFilter(kind="test.note"))
            requeue(session, DeadFilter(fingerprint=f"{number}"))
        requeue(session, DeadFilter())
        assert _jobs_read_in_sequence(connection) == before
        session.rollback()


def _waiting_jobs_read(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT pg_stat_get_xact_tuples_returned('jobs_turn'::regclass)").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("name", ["take", "outlook"])
def test_a_flood_that_no_statistics_know_of_is_probed_and_not_read(databases: Databases, name: str) -> None:
    with databases.migrated() as urls, open_lab(urls) as lab:
        lab.backlog(ORG, 3_000)
        with lab.connect() as connection, connection.transaction(force_rollback=True):
            _ACTIONS[name](connection)
            assert 0 < _waiting_jobs_read(connection) < 100


def test_a_sequential_scan_would_be_noticed(old_lab: Lab) -> None:
    with old_lab.connect() as connection, connection.transaction():
        before = _jobs_read_in_sequence(connection)
        connection.execute("SELECT count(*) FROM jobs WHERE subject = 'x'")
        assert _jobs_read_in_sequence(connection) >= before + _FINISHED
