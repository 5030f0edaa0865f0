"""Two organizations with a row of every tenant table, one of them with two clients: for tests of who may see whose."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from domain.access.api_keys import Making, NewKey, create_key
from domain.access.principal import Grant, Principal
from domain.audit.record import Actor
from domain.kernel.ids import new_id
from domain.webhooks.wire import new_secret
from providers.registry import build_sealer
from tests.support.tenant_rows import ROWS, TenantIds, insert, insert_all

if TYPE_CHECKING:
    from config.settings import Settings
    from domain.access.authorize import RoleBook
    from domain.kernel.database import Database

ELSEWHERE: Final = "Of-Another-Organization-1"
"""Stands in every free text of the other organization's rows."""
BESIDE: Final = "Of-Another-Client-1"
"""Stands in every free text of the other client's rows."""

OF_THE_TENANT: Final = {
    "org_id": "org",
    "tenant_id": "org",
    "client_id": "client",
    "conversation_id": "conversation",
    "delivery_id": "delivery",
    "endpoint_id": "endpoint",
    "send_id": "send",
    "user_id": "user",
}
"""Parameters of paths by the id that they take."""
OF_A_ROW: Final[Mapping[str, tuple[LiteralString, LiteralString]]] = {
    "correlation_id": ("messages", "correlation_id"),
    "notice_id": ("operator_notices", "id"),
    "suppression_id": ("opt_outs", "id"),
    "flag_id": ("sender_flags", "id"),
    "bot_id": ("bots", "id"),
    "entry_id": ("knowledge_entries", "id"),
    "audit_entry_id": ("admin_audit_logs", "id"),
    "membership_id": ("memberships", "id"),
    "key_id": ("api_keys", "id"),
    "attempt_id": ("sandbox_emails", "attempt_id"),
}
"""Parameters of paths by the table and column of a client's row."""
OF_NOBODY: Final[dict[str, str]] = {
    "job_id": "01980000-0000-7000-8000-00000000000a",
    "operation_id": "01980000-0000-7000-8000-00000000000b",
    "limit_id": "01980000-0000-7000-8000-00000000000c",
    "name": "inbound",
    "key": "platform.outbound_stopped",
    "role": "customer",
    "switch": "ai_disabled",
    "to": "resume",
}
"""Parameters of paths to what belongs to no tenant."""

_AUDITED: Final = (
    "INSERT INTO admin_audit_logs (id, org_id, client_id, actor, role, action, target_type, target_id)"
    " VALUES (%(id)s, %(org)s, %(client)s, 'a', 'a', 'client.changed', 'client', 'a')"
)
# Whose values mean something to the code, so that a text of ours would only break it.
_MEANT: Final = {
    ("jobs", "kind"),
    ("jobs", "queue"),
    ("clients", "timezone"),
    ("webhook_endpoints", "url"),
    ("webhook_endpoints", "sealed_secret"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """One client of an organization; `ids` by the names of paths' parameters."""

    tenant: TenantIds
    ids: dict[str, str]


@dataclass(frozen=True, slots=True)
class Tenants:
    """A client, another one of the same organization, and one of another organization."""

    here: Place
    beside: Place
    elsewhere: Place


@dataclass(frozen=True, slots=True)
class Keyholder:
    """A machine with a role in an organization, or for one client of it."""

    principal: Principal
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What it sends."""
        return {"Authorization": f"Bearer {self.key}"}


def fill(superuser_url: str, settings: Settings) -> Tenants:
    """Put the rows into an empty database."""
    here, elsewhere = TenantIds.new(), TenantIds.new()
    beside = replace(TenantIds.new(), org=here.org)
    with psycopg.connect(superuser_url) as connection:
        for tenant in (here, elsewhere):
            insert_all(connection, tenant)
        connection.execute("INSERT INTO users (id, email) VALUES (%s, %s)", [beside.user, f"{beside.user}@example.com"])
        for table in ROWS:
            if table not in {"organizations", "role_overrides"}:
                insert(connection, table, beside)
        for tenant in (here, beside, elsewhere):
            # The row that all tables have is the organization's alone.
            connection.execute(_AUDITED, {"id": new_id(), "org": tenant.org, "client": tenant.client})
        sealed = build_sealer(settings).seal(new_secret())
        # Nothing listens there; a real address would be called.
        url = "http://127.0.0.1:9/"
        connection.execute("UPDATE webhook_endpoints SET url = %s, sealed_secret = %s", [url, sealed])
        for table in ROWS:
            _mark(connection, table, "id" if table == "organizations" else "org_id", elsewhere.org, ELSEWHERE)
            owner = "id" if table == "clients" else "client_id"
            if owner in _columns(connection, table, "uuid"):
                _mark(connection, table, owner, beside.client, BESIDE)
        return Tenants(*(_place(connection, tenant) for tenant in (here, beside, elsewhere)))


def new_keyholder(
    database: Database, book: RoleBook, role: str, org_id: UUID, client_id: UUID | None = None
) -> Keyholder:
    """Make a key, as whoever runs commands on the platform's machine does."""
    making = Making(Actor("test", "operator"), book, datetime.now(UTC), giver=None)
    with database.platform_scope() as session:
        row, key = create_key(session, NewKey(org_id, f"test {role}", role, client_id), making)
    grants = (Grant(role, org_id, client_id),)
    return Keyholder(Principal(kind="api_key", name=row.name, grants=grants, id=row.id, org_id=org_id), key)


def contents(url: str, *, but: Collection[str] = ()) -> dict[str, str | None]:
    """Return a fingerprint of each table but some, read by a superuser: two that are equal say that nothing changed."""
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name: _fingerprint(connection, name) for (name,) in names if name not in but}


def _fingerprint(connection: psycopg.Connection[Any], table: str) -> str | None:
    query = sql.SQL("SELECT md5(string_agg(r::text, ',' ORDER BY r::text)) FROM {} r").format(sql.Identifier(table))
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def _place(connection: psycopg.Connection[Any], tenant: TenantIds) -> Place:
    known = {field.name: str(getattr(tenant, field.name)) for field in fields(tenant)}
    ids = {parameter: known[name] for parameter, name in OF_THE_TENANT.items()} | OF_NOBODY
    for parameter, (table, column) in OF_A_ROW.items():
        query = sql.SQL("SELECT {} FROM {} WHERE client_id = %s").format(sql.Identifier(column), sql.Identifier(table))
        row = connection.execute(query, [tenant.client]).fetchone()
        assert row is not None, f"{table} has no row of the client"
        ids[parameter] = str(row[0])
    return Place(tenant, ids)


def _mark(connection: psycopg.Connection[Any], table: str, owner: str, owner_id: UUID, text: str) -> None:
    """Write a text into each column of somebody's rows that takes any text."""
    for column in _columns(connection, table, "text"):
        if (table, column) in _MEANT:
            continue
        query = sql.SQL("UPDATE {} SET {} = %s WHERE {} = %s").format(*map(sql.Identifier, (table, column, owner)))
        # Some columns take a few values alone.
        with suppress(psycopg.Error), connection.transaction():
            connection.execute(query, [text, owner_id])


def _columns(connection: psycopg.Connection[Any], table: str, kind: str) -> list[str]:
    query = (
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
        " AND data_type = %s AND is_generated = 'NEVER'"
    )
    return [name for (name,) in connection.execute(query, [table, kind]).fetchall()]
