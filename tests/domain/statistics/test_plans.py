"""A chart reads about as many rows as it draws points, however much was counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from domain.kernel.database import Database, raw_connection
from domain.statistics.activities import Activity
from domain.statistics.charts import activity_points, job_points, jobs_by_kind
from domain.statistics.steps import Span, points

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tests.support.databases import Databases, DatabaseUrls

pytestmark = pytest.mark.integration

_ORG = UUID("00000000-0000-7000-8000-000000000001")
_KINDS, _ORGS, _CLIENTS, _LABELS = 8, 5, 4, 3
_STEPS = "(VALUES ('minute', interval '1 minute', 400), ('ten_minutes', '10 minutes', 400), ('hour', '1 hour', 400))"
# More than any chart shows, for each kind of each organization.
_FILL = (
    "INSERT INTO organizations (id, slug, name) SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,"
    " 'o' || n, 'An organization' FROM generate_series(1, {orgs}) n",
    "INSERT INTO clients (id, org_id, slug, name) SELECT ('00000000-0000-7000-8001-' || lpad((o.n * 100 + c)::text, 12,"
    " '0'))::uuid, o.id, 'c' || c, 'A client' FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM organizations"
    " WHERE slug LIKE 'o%') o CROSS JOIN generate_series(1, {clients}) c",
    "INSERT INTO platform_job_statistics (step, at, kind, queue, completed, waits, runs)"
    " SELECT step, date_bin(width, now(), 'epoch') - width * n, CASE k WHEN 0 THEN '' ELSE 'kind.' || k END,"
    " CASE k WHEN 0 THEN '' ELSE 'default' END, 1, array_fill(1, ARRAY[24]), array_fill(1, ARRAY[24])"
    " FROM {steps} s (step, width, count) CROSS JOIN generate_series(0, count - 1) n"
    " CROSS JOIN generate_series(0, {kinds}) k",
    "INSERT INTO job_statistics (org_id, step, at, kind, queue, completed, waits, runs)"
    " SELECT o.id, step, at, kind, queue, completed, waits, runs FROM platform_job_statistics"
    " CROSS JOIN organizations o WHERE o.slug LIKE 'o%'",
    "INSERT INTO platform_activity_statistics (step, at, activity, label, times)"
    " SELECT step, date_bin(width, now(), 'epoch') - width * n, a, 'label' || l, 1"
    " FROM {steps} s (step, width, count) CROSS JOIN generate_series(0, count - 1) n"
    " CROSS JOIN generate_series(1, {labels}) l CROSS JOIN unnest(ARRAY['delivery', 'received']) a",
    "INSERT INTO activity_statistics (org_id, client_id, step, at, activity, label, times)"
    " SELECT o.id, c.id, step, at, activity, label, times FROM platform_activity_statistics"
    " CROSS JOIN organizations o CROSS JOIN LATERAL (SELECT NULL::uuid AS id UNION ALL SELECT id FROM clients"
    " WHERE org_id = o.id) c WHERE o.slug LIKE 'o%'",
)


@pytest.fixture(scope="module")
def filled(databases: Databases) -> Iterator[Database]:
    """Give a database with as many counts as some tenants leave, and whose statistics know nothing of them."""
    with databases.migrated() as urls:
        _fill(urls)
        with closing(Database(urls.app, urls.platform)) as database:
            yield database


def _fill(urls: DatabaseUrls) -> None:
    with psycopg.connect(urls.platform) as connection:
        for statement in _FILL:
            connection.execute(
                statement.format(steps=_STEPS, orgs=_ORGS, clients=_CLIENTS, kinds=_KINDS, labels=_LABELS).encode()
            )
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        connection.execute("VACUUM")


def _touched(session: Session, read: Callable[[], object]) -> int:
    """Return how many rows and index entries `read` has PostgreSQL look at, by its own count of this transaction."""
    connection = raw_connection(session)
    before = _counts(connection)
    read()
    after = _counts(connection)
    return after - before


def _counts(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(
        "SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0) FROM pg_stat_xact_user_tables"
        " WHERE relname LIKE '%_statistics'"
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("span", list(Span))
def test_a_chart_of_all_jobs_reads_a_row_for_each_point(filled: Database, span: Span) -> None:
    now = datetime.now(UTC)
    drawn = len(points(span, now))
    for scope in (filled.platform_scope, lambda: filled.tenant_scope(_ORG)):
        with scope() as session:
            assert 0 < _touched(session, lambda: job_points(session, span, now=now)) <= drawn
            assert 0 < _touched(session, lambda: job_points(session, span, now=now, kind="kind.3")) <= drawn


@pytest.mark.parametrize("span", list(Span))
def test_the_kinds_of_jobs_are_read_from_their_own_rows(filled: Database, span: Span) -> None:
    now = datetime.now(UTC)
    drawn = len(points(span, now))
    for scope in (filled.platform_scope, lambda: filled.tenant_scope(_ORG)):
        with scope() as session:
            touched = _touched(session, partial(jobs_by_kind, session, span, now=now))
            assert len(jobs_by_kind(session, span, now=now)) == _KINDS
            assert touched <= (drawn + 2) * _KINDS + 2


@pytest.mark.parametrize("span", list(Span))
def test_a_chart_of_what_happened_reads_a_row_for_each_point_and_label(filled: Database, span: Span) -> None:
    now = datetime.now(UTC)
    drawn = len(points(span, now)) * _LABELS
    with filled.platform_scope() as session:
        clients = [
            UUID(str(row[0])) for row in session.execute(text("SELECT id FROM clients WHERE org_id = :o"), {"o": _ORG})
        ]
        assert 0 < _touched(session, lambda: activity_points(session, Activity.DELIVERY, span, now=now)) <= drawn
    with filled.tenant_scope(_ORG) as session:
        assert 0 < _touched(session, lambda: activity_points(session, Activity.DELIVERY, span, now=now)) <= drawn
    with filled.tenant_scope(_ORG, clients[:2]) as session:
        # Before PostgreSQL 17 an index finds no list of clients behind other columns, so those of the others are read.
        version = session.execute(text("SELECT current_setting('server_version_num')::integer")).scalar_one()
        most = drawn * (2 if version >= 170_000 else 1 + len(clients))
        assert 0 < _touched(session, lambda: activity_points(session, Activity.DELIVERY, span, now=now)) <= most
