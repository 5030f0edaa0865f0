"""Owner alerts, leads, takeover by a person, consent read at the edge, and how far inbound gaps were looked for."""

from __future__ import annotations

from alembic import op

from migrations.indexes import create_concurrently, drop_concurrently
from migrations.rights import tenant_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_LEADS = """
    CREATE TABLE leads (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        bot_id uuid,
        conversation_id uuid,
        idempotency_key text NOT NULL,
        name text,
        phone text,
        email text,
        message text NOT NULL DEFAULT '',
        correlation_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (client_id, idempotency_key),
        CHECK (phone IS NOT NULL OR email IS NOT NULL),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

# One row for each thing an owner should know. The first is sent at once, what follows soon is gathered into one text.
_OWNER_ALERTS = """
    CREATE TABLE owner_alerts (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        kind text NOT NULL,
        subject text NOT NULL,
        summary text NOT NULL,
        conversation_id uuid,
        correlation_id uuid,
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'suppressed')),
        reason text,
        gathered boolean NOT NULL DEFAULT false,
        delivery_ids uuid[] NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        settled_at timestamptz,
        UNIQUE (client_id, kind, subject),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

_WATERMARKS = """
    CREATE TABLE inbound_watermarks (
        client_id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        complete_until timestamptz NOT NULL,
        looked_at timestamptz NOT NULL DEFAULT now(),
        problem text,
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""
_INDEXES = {
    "messages_consent": "messages (client_id, channel, address, id) WHERE consent IN ('stop', 'start')",
    "leads_client": "leads (client_id, id)",
    "owner_alerts_client": "owner_alerts (client_id, id)",
    "owner_alerts_waiting": "owner_alerts (client_id, id) WHERE state = 'waiting'",
    "owner_alerts_correlation": "owner_alerts (correlation_id) WHERE correlation_id IS NOT NULL",
    "owner_alerts_deliveries": "owner_alerts USING gin (delivery_ids)",
    "deliveries_to_owners": "deliveries (client_id, channel, id) WHERE purpose IN ('owner_alert', 'test')",
    "conversations_taken_over": "conversations (client_id, taken_over_until) WHERE taken_over_until IS NOT NULL",
}


def upgrade() -> None:
    """Create the tables and widen those of clients, conversations and messages."""
    op.execute(
        """
        ALTER TABLE client_settings
            ADD COLUMN alert_kinds text[],
            ADD COLUMN alert_collapse_minutes smallint CHECK (alert_collapse_minutes BETWEEN 0 AND 1440),
            ADD COLUMN takeover_minutes smallint CHECK (takeover_minutes BETWEEN 1 AND 10080),
            ADD COLUMN sms_validity_minutes smallint CHECK (sms_validity_minutes BETWEEN 1 AND 10080)
        """
    )
    op.execute("ALTER TABLE conversations ADD COLUMN taken_over_until timestamptz, ADD COLUMN taken_over_by text")
    op.execute(
        """
        ALTER TABLE messages
            ADD COLUMN consent text CHECK (consent IN ('stop', 'start', 'help')),
            ADD COLUMN came_by text NOT NULL DEFAULT 'webhook'
                CHECK (came_by IN ('webhook', 'spool', 'recovery', 'person'))
        """
    )
    op.execute(_LEADS)
    tenant_table("leads")
    op.execute(_OWNER_ALERTS)
    tenant_table("owner_alerts", app="SELECT, INSERT, UPDATE")
    op.execute(_WATERMARKS)
    tenant_table("inbound_watermarks")
    for name, definition in _INDEXES.items():
        create_concurrently(name, definition)


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    for name in _INDEXES:
        drop_concurrently(name)
    op.execute("DROP TABLE inbound_watermarks, owner_alerts, leads")
    op.execute("ALTER TABLE messages DROP COLUMN consent, DROP COLUMN came_by")
    op.execute("ALTER TABLE conversations DROP COLUMN taken_over_until, DROP COLUMN taken_over_by")
    op.execute(
        """
        ALTER TABLE client_settings
            DROP COLUMN alert_kinds, DROP COLUMN alert_collapse_minutes, DROP COLUMN takeover_minutes,
            DROP COLUMN sms_validity_minutes
        """
    )
