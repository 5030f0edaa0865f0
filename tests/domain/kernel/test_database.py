"""The scopes are the only places that open a transaction; what must follow a commit follows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InvalidRequestError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from domain.kernel.database import Database, psycopg_url, raw_connection, sqlalchemy_url
from domain.kernel.ids import new_id
from tests.support.databases import Databases, DatabaseUrls

pytestmark = pytest.mark.integration

A, B = new_id(), new_id()


@pytest.fixture(scope="module")
def urls(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give a database of two tenants."""
    with databases.migrated() as migrated:
        with closing(Database(migrated.app, migrated.platform)) as database, database.platform_scope() as session:
            for org_id, slug in ((A, "a"), (B, "b")):
                session.execute(
                    text("INSERT INTO organizations (id, slug, name) VALUES (:id, :slug, 'An organization')"),
                    {"id": org_id, "slug": slug},
                )
        yield migrated


@pytest.fixture
def database(urls: DatabaseUrls) -> Iterator[Database]:
    """Give the scopes over it."""
    with closing(Database(urls.app, urls.platform, pool_size=2)) as opened:
        yield opened


def _seen(session: Session) -> set[UUID]:
    return set(session.scalars(text("SELECT id FROM organizations WHERE slug <> 'platform'")))


def test_a_tenants_scope_sees_the_tenant_and_the_platforms_sees_all(database: Database) -> None:
    with database.tenant_scope(A) as session:
        assert session.info["org_id"] == A
        assert _seen(session) == {A}
        assert session.scalar(text("SELECT current_user")) == "gatehouse_app"
    with database.platform_scope() as session:
        assert _seen(session) >= {A, B}
        assert session.scalar(text("SELECT current_user")) == "gatehouse_platform"


def test_a_pooled_connection_does_not_remember_its_tenant(database: Database) -> None:
    for org_id in (A, B, A):
        with database.tenant_scope(org_id) as session:
            assert _seen(session) == {org_id}


@pytest.mark.parametrize("end", [Session.commit, Session.rollback])
def test_a_scope_is_one_transaction(database: Database, end: Callable[[Session], None]) -> None:
    with database.tenant_scope(A) as session:
        end(session)
        with pytest.raises(InvalidRequestError):
            _seen(session)


def test_threads_do_not_share_their_tenants(database: Database) -> None:
    def look(number: int) -> bool:
        org_id = (A, B)[number % 2]
        with database.tenant_scope(org_id) as session:
            return _seen(session) == {org_id}

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(look, range(60)))


def test_a_scope_commits_at_its_end_and_rolls_back_when_it_raises(database: Database) -> None:
    kept, gone = new_id(), new_id()
    insert = text("INSERT INTO organizations (id, slug, name) VALUES (:id, :slug, 'x')")
    with database.platform_scope() as session:
        session.execute(insert, {"id": kept, "slug": kept.hex})
    with pytest.raises(ZeroDivisionError), database.platform_scope() as session:
        session.execute(insert, {"id": gone, "slug": gone.hex})
        raise ZeroDivisionError
    with database.platform_scope() as session:
        assert {kept, gone} & _seen(session) == {kept}


def test_hooks_run_after_the_commit_alone_with_what_the_session_noted(urls: DatabaseUrls) -> None:
    calls: list[tuple[object, bool]] = []
    with closing(Database(urls.app, urls.platform)) as database, closing(Database(urls.app, urls.platform)) as other:
        marker = new_id()

        def committed() -> bool:
            with other.platform_scope() as session:
                return marker in _seen(session)

        database.on_commit(lambda info: calls.append((info.get("noted"), committed())), shared="value")
        with database.platform_scope() as session:
            assert session.info["shared"] == "value"
            session.info["noted"] = "first"
            session.execute(
                text("INSERT INTO organizations (id, slug, name) VALUES (:id, :slug, 'x')"),
                {"id": marker, "slug": marker.hex},
            )
            assert not committed()
        with pytest.raises(ZeroDivisionError), database.tenant_scope(A) as session:
            session.info["noted"] = "second"
            raise ZeroDivisionError
        with database.tenant_scope(A):
            pass
    assert calls == [("first", True), (None, True)]


def test_a_raw_connection_works_in_the_sessions_transaction(database: Database) -> None:
    with database.tenant_scope(A) as session:
        row = raw_connection(session).execute("SELECT current_setting('gatehouse.org_id')").fetchone()
        assert row == (str(A),)


def test_a_connection_that_the_server_closed_is_replaced(database: Database, urls: DatabaseUrls) -> None:
    with database.tenant_scope(A) as session:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    with closing(Database(urls.superuser, urls.superuser)) as superuser, superuser.platform_scope() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    with database.tenant_scope(A) as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != pid


def test_a_process_that_hangs_in_a_transaction_loses_its_locks_after_half_a_minute(database: Database) -> None:
    for scope in (database.tenant_scope(A), database.platform_scope()):
        with scope as session:
            assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "30s"


def test_a_tenant_cannot_become_the_platform(database: Database) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), database.tenant_scope(A) as session:
        session.execute(text("SET ROLE gatehouse_platform"))


def test_a_server_that_is_away_is_an_operational_error() -> None:
    away = "postgresql://nobody:secret@127.0.0.1:1/nothing"
    with (
        closing(Database(away, away)) as database,
        pytest.raises(OperationalError) as caught,
        database.tenant_scope(A),
    ):
        pass
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgres://h/d", "postgresql://h/d", "postgresql+psycopg://h/d"])
def test_urls_name_the_driver_for_sqlalchemy_alone(url: str) -> None:
    assert sqlalchemy_url(url) == "postgresql+psycopg://h/d"
    assert psycopg_url(sqlalchemy_url(url)) == "postgresql://h/d"
