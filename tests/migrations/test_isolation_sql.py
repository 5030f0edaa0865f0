"""No form of SQL gets around the tenants' boundary, on any table."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.errors import FeatureNotSupported, ForeignKeyViolation, InsufficientPrivilege
from psycopg.sql import Composed

from tests.support.databases import DatabaseUrls
from tests.support.tenant_rows import TenantIds
from tests.support.two_tenants import TABLES, A, B, enter, on, owners, scope

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("table", TABLES)]

_READS: tuple[LiteralString, ...] = (
    "SELECT mine.{org} FROM {table} mine JOIN {table} other ON true",
    "SELECT other.{org} FROM organizations o LEFT JOIN {table} other ON true WHERE other.{org} IS NOT NULL",
    "SELECT {org} FROM (SELECT * FROM {table} OFFSET 0) sub",
    "SELECT (SELECT max(t.{org}::text)::uuid FROM {table} t)",
    "SELECT {org} FROM {table} UNION ALL SELECT {org} FROM {table}",
    "WITH RECURSIVE r AS (SELECT {org} FROM {table} UNION SELECT t.{org} FROM {table} t, r) SELECT * FROM r",
    "SELECT (row_to_json(t)->>%(org)s)::uuid FROM {table} t",
    "SELECT {org} FROM {table} TABLESAMPLE BERNOULLI (100)",
    "SELECT {org} FROM ONLY {table} UNION ALL SELECT {org} FROM {table}",
    "SELECT t.{org} FROM {table} t, LATERAL (SELECT FROM {table} u WHERE u.{org} <> t.{org} OR true) u",
    "SELECT unnest(array_agg({org})) FROM {table}",
    "SELECT {org} FROM {table} WHERE tableoid IS NOT NULL AND ctid IS NOT NULL OR {org} = %(other)s",
)
_WRITES: tuple[LiteralString, ...] = (
    "WITH done AS (UPDATE {table} SET {org} = {org} RETURNING *) SELECT {org} FROM done",
    "WITH gone AS (DELETE FROM {table} RETURNING *) SELECT {org} FROM gone",
    "WITH done AS (UPDATE {table} t SET {org} = t.{org} FROM {table} o RETURNING o.*) SELECT {org} FROM done",
    "WITH gone AS (DELETE FROM {table} t USING {table} o WHERE o.{org} = %(other)s RETURNING o.*)"
    " SELECT {org} FROM gone",
    "SELECT {org} FROM {table} FOR UPDATE",
    "SELECT {org} FROM {table} FOR KEY SHARE",
)

# What they touched is told by PostgreSQL 17 and later alone; how many rows, by all.
_MERGES: tuple[LiteralString, ...] = (
    "MERGE INTO {table} t USING (SELECT 1) one ON true WHEN MATCHED THEN DELETE",
    "MERGE INTO {table} t USING (SELECT 1) one ON true WHEN MATCHED THEN UPDATE SET {org} = t.{org}",
)

_TAKEOVERS: tuple[LiteralString, ...] = (
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {table} OWNER TO gatehouse_app",
    "CREATE POLICY mine ON {table} USING (true)",
    "DROP POLICY tenant ON {table}",
    "CREATE RULE mine AS ON SELECT TO {table} DO INSTEAD SELECT 1",
    "CREATE TRIGGER mine BEFORE UPDATE ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE INDEX ON {table} ({org})",
    "CREATE VIEW mine AS SELECT * FROM {table}",
)

_COPIES: tuple[LiteralString, ...] = ("COPY {table} TO STDOUT", "COPY (TABLE {table}) TO STDOUT")


def _parameters(table: str) -> dict[str, object]:
    return {"other": B.org, "org": "id" if table == "organizations" else "org_id"}


def test_no_query_reads_anothers_rows(tenants: DatabaseUrls, table: str) -> None:
    with scope(tenants.app, A.org) as connection:
        for query in _READS:
            assert owners(connection.execute(on(query, table), _parameters(table)).fetchall()) == {A.org}, query


def test_no_statement_touches_anothers_rows(tenants: DatabaseUrls, table: str) -> None:
    with scope(tenants.app, A.org) as connection:
        for query in _WRITES:
            try:
                with connection.transaction(force_rollback=True):
                    rows = connection.execute(on(query, table), _parameters(table)).fetchall()
            except (InsufficientPrivilege, ForeignKeyViolation):
                continue
            assert owners(rows) <= {A.org}, query


def test_a_merge_touches_no_more_rows_than_there_are_of_ones_own(tenants: DatabaseUrls, table: str) -> None:
    with scope(tenants.app, A.org) as connection:
        own = len(connection.execute(on("SELECT {org} FROM {table}", table)).fetchall())
        for query in _MERGES:
            try:
                with connection.transaction(force_rollback=True):
                    touched = connection.execute(on(query, table)).rowcount
            except (InsufficientPrivilege, ForeignKeyViolation):
                continue
            assert touched <= own, query


def test_copy_gives_own_rows_and_takes_none(tenants: DatabaseUrls, table: str) -> None:
    with scope(tenants.app, A.org) as connection:
        # Of a partitioned table, the first form copies nothing, because the rows are its partitions'.
        copied = [_copied(connection, on(query, table)) for query in _COPIES]
        assert copied[0] in {b"", copied[1]}
        assert copied[1].count(b"\n") == 1
        assert str(B.org).encode() not in copied[1]
        with (
            pytest.raises((FeatureNotSupported, InsufficientPrivilege)),
            connection.cursor().copy(on("COPY {table} FROM STDIN", table)) as copying,
        ):
            copying.write(copied[1])
    for program in ("TO PROGRAM 'cat'", "FROM PROGRAM 'cat'", "TO '/tmp/stolen'"):
        with scope(tenants.app, A.org) as connection, pytest.raises(InsufficientPrivilege):
            connection.execute(on("COPY {table} ", table).as_bytes(connection) + program.encode())


def test_to_turn_row_level_security_off_makes_queries_fail(tenants: DatabaseUrls, table: str) -> None:
    for url in (tenants.app, tenants.platform, tenants.owner):
        with psycopg.connect(url) as connection, pytest.raises(InsufficientPrivilege):
            connection.execute("SET row_security = off")
            connection.execute(on("SELECT FROM {table}", table))


def test_the_boundary_itself_is_out_of_reach(tenants: DatabaseUrls, table: str) -> None:
    for url in (tenants.app, tenants.platform):
        with scope(url, A.org) as connection:
            for statement in _TAKEOVERS:
                with pytest.raises(InsufficientPrivilege), connection.transaction(force_rollback=True):
                    connection.execute(on(statement, table))


def test_a_view_or_a_function_of_ones_own_sees_no_more(tenants: DatabaseUrls, table: str) -> None:
    with scope(tenants.app, A.org) as connection:
        connection.execute(on("CREATE TEMP VIEW seen AS SELECT {org} AS org FROM {table}", table))
        assert owners(connection.execute("SELECT org FROM seen").fetchall()) == {A.org}
        connection.execute(
            on(
                "CREATE FUNCTION pg_temp.steal() RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER"
                " AS 'SELECT {org} FROM {table}'",
                table,
            )
        )
        assert owners(connection.execute("SELECT * FROM pg_temp.steal()").fetchall()) == {A.org}


def test_a_condition_that_tells_what_it_sees_is_asked_about_own_rows_only(tenants: DatabaseUrls, table: str) -> None:
    seen: list[str] = []
    with scope(tenants.app, A.org) as connection:
        connection.add_notice_handler(lambda notice: seen.append(str(notice.message_primary)))
        # As cheap as can be, so that the planner would rather ask it first.
        connection.execute(
            "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001"
            " AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
        )
        connection.execute(on("SELECT FROM {table} t WHERE pg_temp.tell(t::text)", table))
        connection.execute(on("SELECT FROM {table} t JOIN {table} o ON pg_temp.tell(o::text)", table))
    assert seen
    assert [row for row in seen if str(B.org) in row] == []


def test_a_savepoint_takes_the_tenant_back_with_it(tenants: DatabaseUrls, table: str) -> None:
    def seen(connection: psycopg.Connection[Any]) -> int:
        return len(connection.execute(on("SELECT FROM {table}", table)).fetchall())

    with scope(tenants.app, None) as connection:
        with connection.transaction(force_rollback=True):
            enter(connection, A.org)
            assert seen(connection) == 1
        assert seen(connection) == 0
        enter(connection, A.org)
        with connection.transaction(force_rollback=True):
            enter(connection, B.org)
        assert owners(connection.execute(on("SELECT {org} FROM {table}", table)).fetchall()) == {A.org}


def test_a_prepared_statement_asks_who_it_is_each_time(tenants: DatabaseUrls, table: str) -> None:
    turns: list[TenantIds | None] = [A, B, None, A, B] * 2
    with psycopg.connect(tenants.app, autocommit=True, prepare_threshold=0) as connection:
        for plan in ("force_custom_plan", "force_generic_plan", "auto"):
            connection.execute(f"SET plan_cache_mode = {plan}")
            for tenant in turns:
                with connection.transaction():
                    enter(connection, tenant.org if tenant else None)
                    rows = connection.execute(on("SELECT {org} FROM {table}", table), prepare=True).fetchall()
                assert owners(rows) == ({tenant.org} if tenant else set())


def _copied(connection: psycopg.Connection[Any], query: Composed) -> bytes:
    with connection.cursor().copy(query) as copied:
        return b"".join(copied)
