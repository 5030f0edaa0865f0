"""What PostgreSQL tells besides rows: statistics, errors, other sessions; and what it tells after all."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Final

import psycopg
import pytest
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege, UniqueViolation
from psycopg.sql import SQL, Identifier
from sqlalchemy import text

from domain.kernel.database import Database
from domain.kernel.ids import new_id
from tests.support.databases import DatabaseUrls
from tests.support.tenant_rows import ROWS, TenantIds, insert
from tests.support.two_tenants import TABLES, A, B, column, on, owners, scope

pytestmark = pytest.mark.integration

# Unique across tenants by nature. Whoever tries a value learns whether somebody has it, and not who.
UNIQUE_ACROSS_TENANTS: Final = {
    "clients (sms_number)": "a number rings at one business",
    "organizations (slug)": "it is a host name; tenants can't add or change one",
    "api_keys (prefix)": "a key is found by it; made at random by the server",
    "delivery_receipts (provider_id, status)": "the provider's own id, which nobody guesses",
    "sandbox_messages (provider_id)": "made at random by the server",
    "sandbox_emails (provider_id)": "made at random by the server",
}
# An id of ours is 74 bits of chance: what is unique for a client or a parent is so for its tenant.
_UNIQUE: Final = """
    SELECT c.relname || ' (' || string_agg(a.attname, ', ' ORDER BY key.place) || ')'
    FROM pg_index i JOIN pg_class c ON c.oid = indrelid
        CROSS JOIN unnest(indkey) WITH ORDINALITY key (attnum, place)
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum
    WHERE i.indisunique AND c.relrowsecurity AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    GROUP BY i.indexrelid, c.relname
    HAVING bool_and(coalesce(a.attname <> 'org_id' AND a.atttypid <> 'uuid'::regtype, true))
"""
_FOREIGN_KEYS: Final = """
    SELECT child.relname || ' -> ' || parent.relname
    FROM pg_constraint k JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
    WHERE k.contype = 'f' AND child.relrowsecurity AND parent.relrowsecurity AND parent.relname <> 'organizations'
        AND NOT EXISTS (SELECT FROM pg_attribute a
                        WHERE attrelid = k.conrelid AND attnum = ANY (k.conkey) AND attname = 'org_id')
"""


def test_what_is_unique_across_tenants_is_so_on_purpose(tenants: DatabaseUrls) -> None:
    assert column(tenants.superuser, _UNIQUE) == set(UNIQUE_ACROSS_TENANTS)


def test_every_reference_between_tenants_tables_names_the_tenant(tenants: DatabaseUrls) -> None:
    # So it can't be tried out whether somebody else has a row with some id.
    assert column(tenants.superuser, _FOREIGN_KEYS) == set()


def test_a_reference_to_anothers_row_fails_like_one_to_nothing(tenants: DatabaseUrls) -> None:
    def error(client: object) -> str:
        with scope(tenants.app, A.org) as connection, pytest.raises(ForeignKeyViolation) as refused:
            insert(connection, "bots", TenantIds.new(), org=A.org, client=client)  # type: ignore[arg-type]
        return str(refused.value).replace(str(client), "…")

    assert error(B.client) == error(new_id())


def test_a_collision_does_not_tell_with_what(tenants: DatabaseUrls) -> None:
    number = "+15005550009"
    with psycopg.connect(tenants.platform) as connection:
        connection.execute("UPDATE clients SET sms_number = %s WHERE id = %s", [number, B.client])
    with scope(tenants.app, A.org) as connection, pytest.raises(UniqueViolation) as refused:
        connection.execute("UPDATE clients SET sms_number = %s", [number])
    assert number not in str(refused.value)
    assert str(B.client) not in str(refused.value)


def test_statistics_of_tenants_tables_are_hidden(tenants: DatabaseUrls) -> None:
    for url in (tenants.app, tenants.platform):
        for view in ("pg_stats", "pg_stats_ext", "pg_stats_ext_exprs"):
            with scope(url, A.org) as connection:
                rows = connection.execute(SQL("SELECT tablename FROM {}").format(Identifier(view))).fetchall()
            assert {row[0] for row in rows} & set(TABLES) == set(), view
        for table in ("pg_statistic", "pg_statistic_ext_data"):
            with scope(url, A.org) as connection, pytest.raises(InsufficientPrivilege):
                connection.execute(f"SELECT FROM {table}".encode())
    assert "clients" in column(tenants.superuser, "SELECT tablename FROM pg_stats")


def test_there_is_no_sequence_to_count_anothers_rows_by(tenants: DatabaseUrls) -> None:
    assert column(tenants.superuser, "SELECT relname FROM pg_class WHERE relkind = 'S'") == set()


def test_there_are_no_large_objects_and_no_foreign_data(tenants: DatabaseUrls) -> None:
    assert column(tenants.superuser, "SELECT oid FROM pg_largeobject_metadata") == set()
    assert column(tenants.superuser, "SELECT srvname FROM pg_foreign_server") == set()
    assert column(tenants.superuser, "SELECT extname FROM pg_extension") == {"plpgsql"}


def test_no_value_of_anothers_shows_in_what_other_sessions_run(tenants: DatabaseUrls) -> None:
    secret = "a-secret-that-was-a-parameter"
    with (
        closing(Database(tenants.app, tenants.platform, pool_size=1)) as database,
        database.tenant_scope(B.org) as session,
    ):
        session.execute(text("SELECT count(*) FROM contacts WHERE address = :address"), {"address": secret})
        with scope(tenants.app, A.org) as connection:
            queries = connection.execute("SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()").fetchall()
            prepared = connection.execute("SELECT statement FROM pg_prepared_statements").fetchall()
    assert [query for (query,) in queries if query and "contacts" in query]
    assert [query for (query,) in [*queries, *prepared] if query and secret in query] == []


def test_a_pooled_connection_that_was_anothers_is_this_tenants(tenants: DatabaseUrls) -> None:
    with closing(Database(tenants.app, tenants.platform, pool_size=1)) as database:
        pids: set[int] = set()
        for round_ in range(8):
            tenant = (A, B)[round_ % 2]
            with database.tenant_scope(tenant.org) as session:
                connection: psycopg.Connection[Any] = session.connection().connection.driver_connection  # type: ignore[assignment]
                pids.add(connection.info.backend_pid)
                for table in ROWS:
                    rows = connection.execute(on("SELECT {org} FROM {table}", table), prepare=True).fetchall()
                    assert owners(rows) == {tenant.org}, table
                # What code might leave behind by mistake; the next scope does not inherit it.
                connection.execute("SELECT set_config('gatehouse.org_id', %s, false)", [str(tenant.org)])
                connection.execute("SELECT set_config('gatehouse.client_ids', %s, false)", [f"{{{tenant.client}}}"])
        assert len(pids) == 1


def test_what_arbitrary_sql_can_do_is_known(tenants: DatabaseUrls) -> None:
    """Not wanted, and not prevented: the setting is a boundary for code that we wrote, not for whoever writes SQL."""
    with scope(tenants.app, A.org) as connection:
        connection.execute("SELECT set_config('gatehouse.org_id', %s, true)", [str(B.org)])
        assert connection.execute("SELECT id FROM organizations").fetchall() == [(B.org,)]
    with scope(tenants.app, A.org) as connection:
        plan = "\n".join(row[0] for row in connection.execute("EXPLAIN ANALYZE SELECT FROM clients"))
        assert "Rows Removed by Filter" in plan
        total = connection.execute("SELECT reltuples FROM pg_class WHERE relname = 'clients'").fetchone()
        assert total == (2,)
        connection.execute("SELECT pg_advisory_xact_lock(7)")
        assert connection.execute("SELECT objid FROM pg_locks WHERE locktype = 'advisory'").fetchall() == [(7,)]
