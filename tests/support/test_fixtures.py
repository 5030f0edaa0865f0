"""The fixtures keep their promises: roles without privileges, databases and brokers of a test's own."""

from __future__ import annotations

import psycopg
import pytest
import redis

from tests.support.databases import Databases, DatabaseUrls

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("role", ["app", "platform", "owner"])
def test_roles_can_log_in_and_cannot_bypass_row_level_security(empty_database_urls: DatabaseUrls, role: str) -> None:
    with psycopg.connect(getattr(empty_database_urls, role)) as connection:
        row = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = user"
        ).fetchone()
    assert row == (f"gatehouse_{role}", False, False, False, False)


def test_databases_of_two_tests_are_apart(databases: Databases) -> None:
    with databases.empty() as first, databases.empty() as second:
        with psycopg.connect(first.owner) as connection:
            connection.execute("CREATE TABLE only_here ()")
        with psycopg.connect(second.owner) as connection:
            assert connection.execute("SELECT to_regclass('only_here')").fetchone() == (None,)


def test_a_database_is_gone_afterwards(databases: Databases) -> None:
    with databases.empty() as urls:
        pass
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(urls.superuser)


def test_a_migrated_database_knows_its_tenants_table(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.platform) as connection:
        assert connection.execute("SELECT count(*) FROM clients").fetchone() == (0,)


@pytest.mark.parametrize("_time", [1, 2])
def test_redis_is_empty_at_the_start(redis_url: str, _time: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")
