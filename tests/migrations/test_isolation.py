"""No session of a tenant sees, changes, counts or makes another tenant's rows, whatever the SQL.

The tables are read from the catalogue, so that one added later is tried as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege, UniqueViolation
from psycopg.sql import SQL, Composed, Identifier

from tests.support.databases import Databases, DatabaseUrls
from tests.support.tenant_rows import ROWS, TenantIds, insert, insert_all

pytestmark = pytest.mark.integration

PLATFORM_TABLES = {
    "account_tokens",
    "alembic_version",
    "audit_heads",
    "dead_operations",
    "flag_revisions",
    "flag_targets",
    "flags",
    "guess_counts",
    "maintenance_runs",
    "oidc_identities",
    "platform_activity_statistics",
    "platform_job_statistics",
    "queue_limits",
    "queue_weights",
    "queues",
    "recovery_codes",
    "schedules",
    "user_sessions",
    "users",
    "workers",
}
"""Tables that hold nothing of a tenant."""

_TENANT_TABLES = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
        AND (c.relname = 'organizations' OR EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped))
"""
_ALL_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relispartition
"""
_PARTITIONS = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relispartition AND relkind = 'r'
"""

A, B = TenantIds.new(), TenantIds.new()
_TABLES = sorted(ROWS)


@pytest.fixture(scope="module")
def urls(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give a database in which two tenants have a row in every table."""
    with databases.migrated() as migrated:
        with psycopg.connect(migrated.platform) as connection:
            for tenant in (A, B):
                insert_all(connection, tenant)
        yield migrated


@contextmanager
def _session(url: str, org_id: UUID | str | None) -> Iterator[psycopg.Connection[Any]]:
    """Open a transaction of a tenant, undone at its end; None sets no tenant."""
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction(force_rollback=True):
        if org_id is not None:
            connection.execute("SELECT set_config('gatehouse.org_id', %s, true)", [str(org_id)])
        yield connection


def _column(url: str, query: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute(query.encode())}


def _org_column(table: str) -> str:
    return "id" if table == "organizations" else "org_id"


def _on(query: str, table: str) -> Composed:
    return SQL(query).format(table=Identifier(table), org=Identifier(_org_column(table)))


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(_on("SELECT count(*) FROM {table}", table)).fetchone()
    assert row is not None
    return int(row[0])


def test_every_table_is_a_tenants_with_a_row_to_try_or_known_to_be_the_platforms(urls: DatabaseUrls) -> None:
    tenant_tables = _column(urls.superuser, _TENANT_TABLES)
    assert tenant_tables == set(ROWS), "A tenant table needs a row in tests/support/tenant_rows.py."
    assert _column(urls.superuser, _ALL_TABLES) - tenant_tables == PLATFORM_TABLES


def test_row_level_security_is_forced_on_every_tenant_table_and_partition(urls: DatabaseUrls) -> None:
    forced = _column(urls.superuser, "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
    assert forced >= set(ROWS) | _column(urls.superuser, _PARTITIONS)


def test_no_role_of_a_process_can_get_around_row_level_security(urls: DatabaseUrls) -> None:
    with psycopg.connect(urls.superuser) as connection:
        roles = connection.execute(
            "SELECT rolname FROM pg_roles"
            " WHERE rolname LIKE 'gatehouse%' AND (rolsuper OR rolbypassrls OR rolcreaterole)"
        ).fetchall()
        owned = connection.execute(
            "SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) IN ('gatehouse_app', 'gatehouse_platform')"
        ).fetchall()
        memberships = connection.execute(
            "SELECT 1 FROM pg_auth_members WHERE pg_get_userbyid(member) LIKE 'gatehouse%'"
        ).fetchall()
    assert (roles, owned, memberships) == ([], [], [])


@pytest.mark.parametrize("table", _TABLES)
def test_a_tenant_sees_its_own_rows_only(urls: DatabaseUrls, table: str) -> None:
    with _session(urls.app, A.org) as connection:
        rows = connection.execute(_on("SELECT DISTINCT {org} FROM {table}", table)).fetchall()
        others = connection.execute(_on("SELECT 1 FROM {table} WHERE {org} = %s", table), [B.org]).fetchall()
        assert (rows, others, _count(connection, table)) == ([(A.org,)], [], 1)


@pytest.mark.parametrize("table", _TABLES)
def test_a_tenant_cannot_change_or_take_or_delete_anothers_rows(urls: DatabaseUrls, table: str) -> None:
    attempts = (
        "UPDATE {table} SET {org} = {org} WHERE {org} = %s",
        "DELETE FROM {table} WHERE {org} = %s",
        "SELECT 1 FROM {table} WHERE {org} = %s FOR UPDATE",
    )
    for attempt in attempts:
        with _session(urls.app, A.org) as connection:
            try:
                assert connection.execute(_on(attempt, table), [B.org]).rowcount == 0, attempt
            except InsufficientPrivilege:
                continue


@pytest.mark.parametrize("table", _TABLES)
def test_a_tenant_cannot_make_a_row_for_another(urls: DatabaseUrls, table: str) -> None:
    with _session(urls.app, A.org) as connection, pytest.raises(InsufficientPrivilege):
        insert(connection, table, B)


@pytest.mark.parametrize("table", _TABLES)
def test_a_tenant_cannot_give_its_row_to_another(urls: DatabaseUrls, table: str) -> None:
    with _session(urls.app, A.org) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(_on("UPDATE {table} SET {org} = %s", table), [B.org])


@pytest.mark.parametrize("table", _TABLES)
def test_a_tenant_cannot_truncate(urls: DatabaseUrls, table: str) -> None:
    for url in (urls.app, urls.platform):
        with _session(url, A.org) as connection, pytest.raises(InsufficientPrivilege):
            connection.execute(_on("TRUNCATE {table} CASCADE", table))


@pytest.mark.parametrize("table", sorted(table for table, row in ROWS.items() if "%(client)s, %(org)s" not in row))
def test_a_tenants_row_cannot_hang_on_anothers(urls: DatabaseUrls, table: str) -> None:
    pointers = [name for name in ("client", "contact", "delivery") if f"%({name})s" in ROWS[table]]
    for pointer in pointers:
        with (
            _session(urls.app, A.org) as connection,
            pytest.raises((ForeignKeyViolation, UniqueViolation, InsufficientPrivilege)),
        ):
            insert(connection, table, TenantIds.new(), org=A.org, **{pointer: getattr(B, pointer)})


@pytest.mark.parametrize("table", _TABLES)
@pytest.mark.parametrize("org_id", [None, "", UUID(int=0)])
def test_without_a_tenant_there_is_nothing(urls: DatabaseUrls, table: str, org_id: UUID | str | None) -> None:
    with _session(urls.app, org_id) as connection:
        platform_itself = table == "organizations" and org_id == UUID(int=0)
        assert _count(connection, table) == platform_itself
        with pytest.raises(InsufficientPrivilege):
            insert(connection, table, B)


@pytest.mark.parametrize("table", _TABLES)
def test_a_tenant_lasts_for_one_transaction(urls: DatabaseUrls, table: str) -> None:
    with psycopg.connect(urls.app, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("SELECT set_config('gatehouse.org_id', %s, true)", [str(A.org)])
            assert _count(connection, table) == 1
        assert _count(connection, table) == 0


@pytest.mark.parametrize("table", _TABLES)
def test_the_platform_sees_all_and_the_owner_nothing(urls: DatabaseUrls, table: str) -> None:
    with _session(urls.platform, None) as connection:
        assert _count(connection, table) == 2 + (table == "organizations")
    with _session(urls.owner, None) as connection:
        # The owner completes onboarding inside a function, which needs to see clients.
        assert _count(connection, table) == (2 if table == "clients" else 0)


def test_partitions_cannot_be_reached_around_their_parent(urls: DatabaseUrls) -> None:
    partitions = _column(urls.superuser, _PARTITIONS)
    assert len(partitions) >= 4
    for partition in partitions:
        for url in (urls.app, urls.platform):
            for attempt in ("SELECT 1 FROM {table}", "DELETE FROM {table}", "UPDATE {table} SET reason = ''"):
                with _session(url, A.org) as connection, pytest.raises(InsufficientPrivilege):
                    connection.execute(_on(attempt, partition))


def test_new_partitions_are_closed_too(urls: DatabaseUrls) -> None:
    with _session(urls.platform, None) as connection:
        connection.execute("SELECT ensure_job_attempt_partitions(6)")
        rows = connection.execute(
            "SELECT relrowsecurity AND relforcerowsecurity, relacl::text FROM pg_class WHERE relispartition"
            " AND relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert len(rows) >= 8
    assert all(forced and (acl is None or "gatehouse_app=" not in acl) for forced, acl in rows)


@pytest.mark.parametrize("table", ["guard_logs", "delivery_receipts", "sandbox_messages"])
@pytest.mark.parametrize("statement", ["UPDATE {table} SET {org} = {org}", "DELETE FROM {table}"])
def test_a_tenant_cannot_rewrite_what_happened(urls: DatabaseUrls, table: str, statement: str) -> None:
    with _session(urls.app, A.org) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(_on(statement, table))


@pytest.mark.parametrize("table", ["jobs", "job_attempts", "notification_logs", "organizations"])
def test_a_tenant_cannot_delete_history(urls: DatabaseUrls, table: str) -> None:
    with _session(urls.app, A.org) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(_on("DELETE FROM {table}", table))


def test_a_tenant_does_not_see_workers_nor_touch_queues_or_the_schema(urls: DatabaseUrls) -> None:
    attempts = (
        "SELECT 1 FROM workers",
        "UPDATE queues SET paused_at = now()",
        "INSERT INTO queues (name) VALUES ('a')",
        "UPDATE alembic_version SET version_num = '0000'",
        "SELECT ensure_job_attempt_partitions(1)",
        "CREATE TABLE mine (id int)",
        "SET ROLE gatehouse_platform",
    )
    for attempt in attempts:
        with _session(urls.app, A.org) as connection, pytest.raises(InsufficientPrivilege):
            connection.execute(attempt)
