"""Counts reach the database, once, whatever happens between; and cost nobody who handles a message anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import text

from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.statistics.activities import Activity, note
from domain.statistics.charts import activity_points, job_points, jobs_by_kind
from domain.statistics.flusher import Flusher
from domain.statistics.ports import Change
from domain.statistics.pruning import prune
from domain.statistics.steps import Span, Step
from domain.statistics.tally import Tally
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.domain.statistics.conftest import Tenants
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


def _now() -> datetime:
    return datetime.now(UTC)


def _jobs(database: Database, kind: str | None = None) -> int:
    with database.platform_scope() as session:
        return sum(point.figures.total() for point in job_points(session, Span.HOUR, now=_now(), kind=kind))


@contextmanager
def _away(urls: DatabaseUrls) -> Iterator[None]:
    """Keep everybody from the database while the block lasts."""
    elsewhere = urls.superuser.rpartition("/")[0] + "/postgres"
    with psycopg.connect(elsewhere, autocommit=True) as superuser:
        superuser.execute(f'ALTER DATABASE "{urls.name}" ALLOW_CONNECTIONS false'.encode())
        superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (urls.name,))
        try:
            yield
        finally:
            superuser.execute(f'ALTER DATABASE "{urls.name}" ALLOW_CONNECTIONS true'.encode())


def test_attempts_are_counted_for_their_tenant_and_for_all(database: Database, tenants: Tenants) -> None:
    tally = Tally()
    tally.job_ended(tenants.org, "delivery.send", "outbound", "completed", waited=0.02, ran=0.5)
    tally.job_ended(tenants.org, "delivery.send", "outbound", "dead", waited=0.02, ran=0.5)
    tally.job_ended(tenants.other, "alerts.digest", "default", "retry", waited=1.0, ran=0.1)
    assert Flusher(tally, database).flush()

    assert _jobs(database) == 3
    assert _jobs(database, kind="delivery.send") == 2
    with database.tenant_scope(tenants.org) as session:
        (point,) = [one for one in job_points(session, Span.DAY, now=_now()) if one.figures.total()]
        assert point.figures.ended["completed"] == point.figures.ended["dead"] == 1
        assert (point.figures.wait_ms, point.figures.run_ms) == (40, 1000)
        assert sum(point.figures.waits) == sum(point.figures.runs) == 2
        assert list(jobs_by_kind(session, Span.WEEK, now=_now())) == ["delivery.send"]


def test_counts_of_two_processes_add_up(database: Database, tenants: Tenants) -> None:
    for _ in range(2):
        tally = Tally()
        tally.job_ended(tenants.org, "delivery.send", "outbound", "completed", waited=0.02, ran=0.5)
        tally.happened(Activity.RECEIVED, "sms", org_id=tenants.org, client_id=tenants.client)
        Flusher(tally, database).flush()

    assert _jobs(database) == 2
    with database.platform_scope() as session:
        (point,) = [one for one in activity_points(session, Activity.RECEIVED, Span.HOUR, now=_now()) if one.times]
        assert point.times == {"sms": 2}


def test_what_happens_to_clients_is_told_apart_and_added_up(database: Database, tenants: Tenants) -> None:
    tally = Tally()
    tally.happened(Activity.BLOCKED, "bot_enabled", org_id=tenants.org, client_id=tenants.client, times=2)
    tally.happened(Activity.BLOCKED, "bot_enabled", org_id=tenants.org, client_id=tenants.sister, times=5)
    tally.happened(Activity.BLOCKED, "bot_enabled", org_id=tenants.other)
    Flusher(tally, database).flush()

    def count(org: str, clients: list[str] | None = None) -> int:
        narrowed = None if clients is None else [getattr(tenants, name) for name in clients]
        with database.tenant_scope(getattr(tenants, org), narrowed) as session:
            found = activity_points(session, Activity.BLOCKED, Span.HOUR, now=_now())
            return sum(sum(point.times.values()) for point in found)

    assert count("org") == 7
    assert count("org", ["client"]) == 2
    assert count("org", ["client", "sister"]) == 7
    assert count("org", []) == 0
    assert count("other") == 1


def test_what_is_noted_counts_only_when_its_transaction_commits(database: Database, tenants: Tenants) -> None:
    tally = Tally()
    database.on_commit(tally.after_commit)
    with database.tenant_scope(tenants.org) as session:
        note(session, Activity.LEAD, "captured", org_id=tenants.org, client_id=tenants.client)
    with pytest.raises(RuntimeError), database.tenant_scope(tenants.org) as session:
        note(session, Activity.LEAD, "captured", org_id=tenants.org, client_id=tenants.client)
        raise RuntimeError
    assert list(tally.take().activities.values()) == [1]


def test_counts_are_kept_while_the_database_is_away_and_written_once_it_is_back(
    database: Database, database_urls: DatabaseUrls, tenants: Tenants
) -> None:
    tally = Tally()
    flusher = Flusher(tally, database)
    tally.job_ended(tenants.org, "delivery.send", "outbound", "completed")
    with _away(database_urls):
        assert not flusher.flush()
        tally.job_ended(tenants.org, "delivery.send", "outbound", "completed")
        assert not flusher.flush()
    assert flusher.flush()
    assert flusher.flush()
    assert _jobs(database) == 2


def test_a_process_that_stops_writes_what_it_has(database: Database, tenants: Tenants) -> None:
    tally = Tally()
    flusher = Flusher(tally, database, every=3600)
    flusher.start()
    tally.job_ended(tenants.org, "delivery.send", "outbound", "completed")
    flusher.close()
    assert _jobs(database) == 1


def test_open_pages_are_told_of_what_was_written(database: Database, tenants: Tenants) -> None:
    told: list[Change] = []
    tally = Tally()
    flusher = Flusher(tally, database, told.extend, every=0)
    tally.happened(Activity.DELIVERY, "sms.delivered", org_id=tenants.org, client_id=tenants.client)
    stopping = threading.Event()
    thread = threading.Thread(target=flusher.run, args=(stopping,))
    thread.start()
    eventually(lambda: len(told) == 2, what="The telling")
    stopping.set()
    thread.join()
    assert [change.topic for change in told] == ["deliveries", "statistics"]
    assert {(change.org_id, change.client_id) for change in told} == {(tenants.org, tenants.client)}


def test_counts_of_a_tenant_that_is_gone_are_left_out_and_keep_no_others_back(
    database: Database, tenants: Tenants
) -> None:
    tally = Tally()
    tally.job_ended(new_id(), "delivery.send", "outbound", "completed")
    tally.happened(Activity.RECEIVED, "sms", org_id=tenants.org, client_id=new_id())
    tally.job_ended(tenants.org, "delivery.send", "outbound", "completed")
    assert Flusher(tally, database).flush()
    assert not tally.take()
    with database.tenant_scope(tenants.org) as session:
        assert sum(point.figures.total() for point in job_points(session, Span.HOUR, now=_now())) == 1
    assert _jobs(database) == 2


def test_what_an_older_schema_refuses_is_dropped(database: Database, database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute("DROP TABLE job_statistics")
    tally = Tally()
    tally.job_ended(PLATFORM_ORG_ID, "access.sweep", "maintenance", "completed")
    Flusher(tally, database).flush()
    assert not tally.take()


def test_memory_is_bounded_while_nothing_can_be_written(tenants: Tenants) -> None:
    tally = Tally(most_keys=3)
    for number in range(10):
        tally.job_ended(tenants.org, f"kind.{number}", "default", "completed")
    tally.job_ended(tenants.org, "kind.1", "default", "completed")
    assert tally.take_dropped() == 7
    assert sum(figures.total() for figures in tally.take().jobs.values()) == 4


def test_processes_that_write_the_same_rows_at_once_do_not_wait_for_each_other_in_circles(
    database: Database, tenants: Tenants
) -> None:
    def work(number: int) -> None:
        for turn in range(10):
            tally = Tally()
            for kind in range(30):
                # Each begins elsewhere; what is written is in one order all the same.
                name = f"kind.{(kind * 7 + number * 11 + turn) % 30:02}"
                tally.job_ended(tenants.org if kind % 2 else tenants.other, name, "default", "completed", ran=0.1)
            done.append(Flusher(tally, database).flush())

    done: list[bool] = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True] * 40
    assert _jobs(database) == 1200


def test_old_counts_are_pruned_and_recent_ones_kept(
    database: Database, database_urls: DatabaseUrls, tenants: Tenants
) -> None:
    ages = {
        Step.MINUTE: (timedelta(days=1), timedelta(days=3)),
        Step.TEN_MINUTES: (timedelta(days=8), timedelta(days=10)),
        Step.HOUR: (timedelta(days=399), timedelta(days=401)),
    }
    with database.platform_scope() as session:
        for step, (kept, over) in ages.items():
            for at in (_now() - kept, _now() - over, _now() + timedelta(days=30)):
                session.execute(
                    text(
                        "INSERT INTO activity_statistics (org_id, step, at, activity, label, times)"
                        " VALUES (:org, :step, :at, 'received', 'sms', 1)"
                    ),
                    {"org": tenants.org, "step": step.value, "at": at},
                )
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        assert prune(connection, batch=1) == 6
        assert connection.execute("SELECT count(*) FROM activity_statistics WHERE at < now()").fetchone() == (3,)


def test_a_tenant_cannot_read_what_all_together_did_nor_write_its_own(database: Database, tenants: Tenants) -> None:
    for statement in (
        "SELECT 1 FROM platform_job_statistics",
        "SELECT 1 FROM platform_activity_statistics",
        "DELETE FROM activity_statistics",
        "UPDATE job_statistics SET completed = 0",
    ):
        with pytest.raises(Exception, match="permission denied"), database.tenant_scope(tenants.org) as session:
            session.execute(text(statement))
