"""One row of every tenant table, for tests that try each table across tenants.

A new tenant table needs a row here: `tests/migrations/test_isolation.py` fails until it has one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg

from domain.kernel.ids import new_id

# In the order of their foreign keys. Named parameters are ids of one tenant, except `id` and `text`: new in each row.
ROWS: Final[dict[str, LiteralString]] = {
    "organizations": "INSERT INTO organizations (id, slug, name) VALUES (%(org)s, %(text)s, 'An organization')",
    "clients": "INSERT INTO clients (id, org_id, slug, name) VALUES (%(client)s, %(org)s, %(text)s, 'A client')",
    "client_settings": "INSERT INTO client_settings (client_id, org_id) VALUES (%(client)s, %(org)s)",
    "bots": "INSERT INTO bots (id, org_id, client_id, name) VALUES (%(id)s, %(org)s, %(client)s, 'A bot')",
    "knowledge_entries": "INSERT INTO knowledge_entries (id, org_id, client_id, kind, title, body)"
    " VALUES (%(id)s, %(org)s, %(client)s, 'faq', %(text)s, 'A body')",
    "contacts": "INSERT INTO contacts (id, org_id, client_id, channel, address)"
    " VALUES (%(contact)s, %(org)s, %(client)s, 'web', %(text)s)",
    "conversations": "INSERT INTO conversations (id, org_id, client_id, contact_id, channel)"
    " VALUES (%(conversation)s, %(org)s, %(client)s, %(contact)s, 'web')",
    "messages": "INSERT INTO messages"
    " (id, org_id, client_id, direction, channel, address, author, body, correlation_id)"
    " VALUES (%(id)s, %(org)s, %(client)s, 'in', 'web', 'a', 'contact', 'A text', %(id)s)",
    "guard_logs": "INSERT INTO guard_logs (id, org_id, client_id, subject, guard, allowed, reason, rule_version)"
    " VALUES (%(id)s, %(org)s, %(client)s, 'a', 'a', true, 'a', '1')",
    "opt_outs": "INSERT INTO opt_outs (id, org_id, client_id, channel, address, source)"
    " VALUES (%(id)s, %(org)s, %(client)s, 'sms', %(text)s, 'keyword')",
    "deliveries": "INSERT INTO deliveries (id, org_id, client_id, purpose, channel, to_address, body)"
    " VALUES (%(delivery)s, %(org)s, %(client)s, 'reply', 'sms', 'a', 'A text')",
    "notification_logs": "INSERT INTO notification_logs (id, org_id, client_id, delivery_id, attempt, provider)"
    " VALUES (%(id)s, %(org)s, %(client)s, %(delivery)s, 1, 'a')",
    "delivery_receipts": "INSERT INTO delivery_receipts (id, org_id, delivery_id, provider_id, status)"
    " VALUES (%(id)s, %(org)s, %(delivery)s, %(text)s, 'sent')",
    "sandbox_messages": "INSERT INTO sandbox_messages"
    " (attempt_id, org_id, client_id, provider_id, to_address, from_address, body)"
    " VALUES (%(id)s, %(org)s, %(client)s, %(text)s, 'a', 'b', 'A text')",
    "sender_flags": "INSERT INTO sender_flags (id, org_id, client_id, sender, reason)"
    " VALUES (%(id)s, %(org)s, %(client)s, %(text)s, 'a')",
    "operator_notices": "INSERT INTO operator_notices (id, org_id, client_id, kind, subject, words)"
    " VALUES (%(id)s, %(org)s, %(client)s, 'a', %(text)s, 'a')",
    "admin_audit_logs": "INSERT INTO admin_audit_logs (id, org_id, actor, role, action, target_type, target_id)"
    " VALUES (%(id)s, %(org)s, 'a', 'a', 'a', 'a', 'a')",
    "sandbox_emails": "INSERT INTO sandbox_emails"
    " (attempt_id, org_id, client_id, provider_id, to_address, from_address, subject, body)"
    " VALUES (%(id)s, %(org)s, %(client)s, %(text)s, 'a', 'b', 'A subject', 'A text')",
    "leads": "INSERT INTO leads (id, org_id, client_id, idempotency_key, phone, correlation_id)"
    " VALUES (%(id)s, %(org)s, %(client)s, %(text)s, 'a', %(id)s)",
    "owner_alerts": "INSERT INTO owner_alerts (id, org_id, client_id, kind, subject, summary)"
    " VALUES (%(id)s, %(org)s, %(client)s, 'a', %(text)s, 'a')",
    "inbound_watermarks": "INSERT INTO inbound_watermarks (client_id, org_id, complete_until)"
    " VALUES (%(client)s, %(org)s, now())",
    "webhook_endpoints": "INSERT INTO webhook_endpoints (id, org_id, client_id, url, events, sealed_secret)"
    " VALUES (%(endpoint)s, %(org)s, %(client)s, 'https://example.com', '{}', 'a')",
    "webhook_events": "INSERT INTO webhook_events (id, org_id, client_id, type, payload)"
    " VALUES (%(event)s, %(org)s, %(client)s, 'a', '{}')",
    "webhook_sends": "INSERT INTO webhook_sends (id, org_id, event_id, endpoint_id)"
    " VALUES (%(send)s, %(org)s, %(event)s, %(endpoint)s)",
    "webhook_attempts": "INSERT INTO webhook_attempts (id, org_id, send_id, attempt, started_at)"
    " VALUES (%(id)s, %(org)s, %(send)s, 1, now())",
    "memberships": "INSERT INTO memberships (id, org_id, client_id, user_id, role, created_by, accepted_at)"
    " VALUES (%(id)s, %(org)s, %(client)s, %(user)s, 'customer', 'a', now())",
    "api_keys": "INSERT INTO api_keys (id, org_id, client_id, name, prefix, secret_hash, role, created_by)"
    " VALUES (%(id)s, %(org)s, %(client)s, 'a', %(text)s, sha256('a'), 'customer', 'a')",
    "role_overrides": "INSERT INTO role_overrides (org_id, role, document) VALUES (%(org)s, 'customer', '{}')",
    "jobs": "INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts)"
    " VALUES (%(id)s, %(org)s, 'test.note', 'default', '{}', 'available', 1)",
    "job_statistics": "INSERT INTO job_statistics (org_id, step, at, kind, queue, waits, runs)"
    " VALUES (%(org)s, 'minute', now(), %(text)s, 'default', '{}', '{}')",
    "activity_statistics": "INSERT INTO activity_statistics (org_id, client_id, step, at, activity, label, times)"
    " VALUES (%(org)s, %(client)s, 'minute', now(), 'a', %(text)s, 1)",
    "job_attempts": "INSERT INTO job_attempts (job_id, attempt, org_id, started_at) VALUES (%(id)s, 1, %(org)s, now())",
}


@dataclass(frozen=True, slots=True)
class TenantIds:
    """The ids of the rows of one tenant that others point to."""

    org: UUID
    client: UUID
    contact: UUID
    conversation: UUID
    delivery: UUID
    endpoint: UUID
    event: UUID
    send: UUID
    user: UUID
    """A member; an account is no tenant's row."""

    @classmethod
    def new(cls) -> TenantIds:
        """Return new ids."""
        return cls(*(new_id() for _ in fields(cls)))


def insert(connection: psycopg.Connection[Any], table: str, tenant: TenantIds, **instead: UUID) -> None:
    """Insert a row of a tenant; `instead` replaces parameters, for rows that must not be possible."""
    fresh = new_id()
    ids = asdict(tenant)
    connection.execute(ROWS[table], {**ids, "id": fresh, "text": f"a{fresh.hex[-20:]}", **instead})


def insert_all(connection: psycopg.Connection[Any], tenant: TenantIds) -> None:
    """Insert one row into every tenant table, and the account that a membership is of."""
    connection.execute("INSERT INTO users (id, email) VALUES (%s, %s)", [tenant.user, f"{tenant.user}@example.com"])
    for table in ROWS:
        insert(connection, table, tenant)
