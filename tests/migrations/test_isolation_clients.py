"""A scope that is narrowed to some clients sees, changes and makes their rows alone, on every table that has some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, LiteralString

import psycopg
import pytest
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege, NotNullViolation

from domain.kernel.ids import new_id
from tests.support.databases import Databases, DatabaseUrls
from tests.support.tenant_rows import ROWS, insert
from tests.support.two_tenants import A, column, on, scope, two_tenants

pytestmark = pytest.mark.integration

NOT_NARROWED: Final = {
    "organizations": "a narrowed scope still belongs to its organization",
    "webhook_endpoints": "what happens in a narrowed scope reaches the endpoints of the whole organization",
    "webhook_events": "made for those endpoints",
    "webhook_sends": "made for those endpoints",
    "webhook_attempts": "calls of those endpoints",
    "jobs": "a narrowed scope adds them, and nobody who is narrowed may look at them",
    "job_attempts": "of jobs",
    "job_statistics": "of jobs",
    "role_overrides": "what roles mean in the whole organization",
}
"""Tables of tenants that are not narrowed, and why. Nobody whose reach is narrowed has a permission for them."""

_NARROWED: Final = """
    SELECT relname FROM pg_policy JOIN pg_class c ON c.oid = polrelid
    WHERE NOT polpermissive AND polcmd = '*' AND polroles = ARRAY['gatehouse_app'::regrole::oid]
        AND polqual IS NOT NULL AND polwithcheck IS NOT NULL AND polname = 'client'
"""
_WITH_CLIENT: Final = """
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND a.attname LIKE '%client_id' AND NOT a.attisdropped AND c.relrowsecurity
"""
_AUDITED: Final = (
    "INSERT INTO admin_audit_logs (id, org_id, client_id, actor, role, action, target_type, target_id)"
    " VALUES (%s, %s, %s, 'a', 'a', 'a', 'a', 'a')"
)
NARROWED: Final = sorted(set(ROWS) - set(NOT_NARROWED))
# The same organization's second client.
C = replace(
    A, client=new_id(), contact=new_id(), conversation=new_id(), delivery=new_id(), endpoint=new_id(), event=new_id(),
    send=new_id(), user=new_id(),
)  # fmt: skip


@pytest.fixture(scope="module")
def urls(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give a database in which two clients of one organization have a row in every table that is narrowed."""
    with two_tenants(databases) as urls:
        with psycopg.connect(urls.platform) as connection:
            connection.execute("INSERT INTO users (id, email) VALUES (%s, 'c@example.com')", [C.user])
            for table in ROWS:
                if table in NARROWED and table != "admin_audit_logs":
                    insert(connection, table, C)
            for tenant in (A, C):
                connection.execute(_AUDITED, [new_id(), tenant.org, tenant.client])
        yield urls


def _clients_of(table: str) -> LiteralString:
    """Return the query for the clients of the rows that a scope sees."""
    if table == "clients":
        return "SELECT id FROM {table}"
    if table == "delivery_receipts":
        return "SELECT (SELECT client_id FROM deliveries d WHERE d.id = delivery_id) FROM {table}"
    return "SELECT client_id FROM {table}"


def test_every_table_is_narrowed_or_left_out_for_a_reason(urls: DatabaseUrls) -> None:
    narrowed = column(urls.superuser, _NARROWED)
    assert narrowed == set(NARROWED), "Narrow the table by `client_rows`, or say in NOT_NARROWED why not."
    assert column(urls.superuser, _WITH_CLIENT) <= narrowed | set(NOT_NARROWED)


@pytest.mark.parametrize("table", NARROWED)
def test_the_rows_of_the_client_are_seen_and_no_others(urls: DatabaseUrls, table: str) -> None:
    for clients in ([A.client], [C.client], [A.client, C.client]):
        with scope(urls.app, A.org, clients) as connection:
            seen = {row[0] for row in connection.execute(on(_clients_of(table), table))}
            assert seen == set(clients)
    with scope(urls.app, A.org, []) as connection:
        assert connection.execute(on("SELECT FROM {table}", table)).fetchall() == []


@pytest.mark.parametrize("table", NARROWED)
def test_another_clients_rows_are_neither_changed_nor_made(urls: DatabaseUrls, table: str) -> None:
    statements: tuple[LiteralString, ...] = (
        "UPDATE {table} SET {org} = {org} RETURNING *",
        "DELETE FROM {table} RETURNING *",
        "SELECT * FROM {table} FOR UPDATE",
    )
    with scope(urls.app, A.org, [new_id()]) as connection:
        for statement in statements:
            try:
                with connection.transaction():
                    assert connection.execute(on(statement, table)).fetchall() == [], statement
            except InsufficientPrivilege:
                continue
        with pytest.raises((InsufficientPrivilege, ForeignKeyViolation)):
            insert(connection, table, replace(C, client=A.client if table != "clients" else new_id()))


@pytest.mark.parametrize("table", NARROWED)
def test_a_row_is_not_moved_to_another_client_nor_to_none(urls: DatabaseUrls, table: str) -> None:
    if table in {"clients", "delivery_receipts", "admin_audit_logs"}:
        return
    for to in (C.client, None):
        with (
            scope(urls.app, A.org, [A.client]) as connection,
            pytest.raises((InsufficientPrivilege, NotNullViolation)),
        ):
            connection.execute(on("UPDATE {table} SET client_id = %s", table), [to])


def test_onboarding_is_completed_for_a_client_within_reach_only(urls: DatabaseUrls) -> None:
    with scope(urls.app, A.org, [C.client]) as connection, pytest.raises(psycopg.errors.NoDataFound):
        connection.execute("SELECT complete_onboarding(%s)", [A.client])
    with scope(urls.app, A.org, [A.client]) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("SELECT complete_onboarding(%s)", [A.client])
