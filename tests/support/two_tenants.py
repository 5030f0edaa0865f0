"""Two tenants with a row in every table, and transactions in the scope of one of them, undone at their end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from tests.support.databases import Databases, DatabaseUrls
from tests.support.tenant_rows import ROWS, TenantIds, insert_all

A, B = TenantIds.new(), TenantIds.new()
TABLES = sorted(ROWS)


@contextmanager
def two_tenants(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give a database in which A and B have a row in every table, with fresh statistics."""
    with databases.migrated() as urls:
        with psycopg.connect(urls.platform) as connection:
            for tenant in (A, B):
                insert_all(connection, tenant)
        with psycopg.connect(urls.superuser, autocommit=True) as connection:
            connection.execute("ANALYZE")
        yield urls


@contextmanager
def scope(
    url: str, org_id: UUID | str | None, clients: Sequence[UUID] | None = None
) -> Iterator[psycopg.Connection[Any]]:
    """Open a transaction of a tenant, narrowed to some clients or not; None sets no tenant."""
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction(force_rollback=True):
        enter(connection, org_id, clients)
        yield connection


def enter(
    connection: psycopg.Connection[Any], org_id: UUID | str | None, clients: Sequence[UUID] | None = None
) -> None:
    """Set the tenant of a transaction, as `Database.tenant_scope` does."""
    if org_id is not None:
        connection.execute("SELECT set_config('gatehouse.org_id', %s, true)", [str(org_id)])
    if clients is not None:
        ids = "{" + ",".join(str(client_id) for client_id in clients) + "}"
        connection.execute("SELECT set_config('gatehouse.client_ids', %s, true)", [ids])


def org_column(table: str) -> str:
    """Return the column that says whose a row is."""
    return "id" if table == "organizations" else "org_id"


def on(query: LiteralString, table: str) -> Composed:
    """Return a query on a table: `{table}`, and `{org}` for the column that says whose a row is."""
    return SQL(query).format(table=Identifier(table), org=Identifier(org_column(table)))


def owners(rows: Sequence[tuple[Any, ...]]) -> set[UUID]:
    """Return whose the rows are, by their first column."""
    return {row[0] for row in rows}


def column(url: str, query: str) -> set[str]:
    """Return the first column of a query that needs no tenant."""
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute(query.encode())}
