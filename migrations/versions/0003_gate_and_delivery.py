"""The gate's log, opt-outs, deliveries, the notification log and receipts."""

from __future__ import annotations

from alembic import op

from migrations.rights import tenant_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_GUARD_LOGS = """
    CREATE TABLE guard_logs (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        correlation_id uuid,
        subject text NOT NULL,
        guard text NOT NULL,
        allowed boolean NOT NULL,
        block text CHECK (block IN ('soft', 'hard')),
        reason text NOT NULL,
        inputs jsonb NOT NULL DEFAULT '{}',
        rule_version text NOT NULL,
        decided_at timestamptz NOT NULL DEFAULT now(),
        CHECK (allowed = (block IS NULL)),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

_OPT_OUTS = """
    CREATE TABLE opt_outs (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        channel text NOT NULL CHECK (channel IN ('sms', 'email')),
        address text NOT NULL CHECK (address <> ''),
        source text NOT NULL CHECK (source IN ('keyword', 'provider', 'operator')),
        opted_out_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (client_id, channel, address),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

_DELIVERIES = """
    CREATE TABLE deliveries (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        message_id uuid,
        purpose text NOT NULL CHECK (purpose IN ('reply', 'fallback', 'owner_alert')),
        channel text NOT NULL CHECK (channel IN ('sms', 'email')),
        to_address text NOT NULL,
        subject text,
        body text NOT NULL,
        direct_reply boolean NOT NULL DEFAULT false,
        state text NOT NULL DEFAULT 'pending' CHECK (state IN
            ('pending', 'sending', 'unknown', 'accepted', 'sent', 'delivered', 'undelivered', 'failed', 'cancelled')),
        attempts integer NOT NULL DEFAULT 0,
        provider text,
        provider_id text,
        error_code text,
        error_text text,
        correlation_id uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (org_id, id),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

# One row an attempt at a send, written before the provider is called: its id travels in the callback URL, so a receipt
# proves acceptance even when the provider's answer was lost.
_NOTIFICATION_LOGS = """
    CREATE TABLE notification_logs (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        delivery_id uuid NOT NULL,
        attempt integer NOT NULL,
        provider text NOT NULL,
        outcome text NOT NULL DEFAULT 'sending' CHECK (outcome IN
            ('sending', 'accepted', 'blocked', 'rejected', 'unknown', 'not_sent')),
        started_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        provider_id text,
        error_code text,
        error_class text,
        error_text text,
        UNIQUE (delivery_id, attempt),
        FOREIGN KEY (org_id, delivery_id) REFERENCES deliveries (org_id, id) ON DELETE CASCADE
    )
"""

_RECEIPTS = """
    CREATE TABLE delivery_receipts (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        delivery_id uuid NOT NULL,
        provider_id text NOT NULL,
        status text NOT NULL,
        error_code text,
        received_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (provider_id, status),
        FOREIGN KEY (org_id, delivery_id) REFERENCES deliveries (org_id, id) ON DELETE CASCADE
    )
"""

# What the sandbox provider "sent". The attempt's id is the key: the sandbox, like the real thing, is asked once.
_SANDBOX = """
    CREATE TABLE sandbox_messages (
        attempt_id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        provider_id text NOT NULL UNIQUE,
        to_address text NOT NULL,
        from_address text NOT NULL,
        body text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""


def upgrade() -> None:
    """Create the tables of decisions and of everything that is sent."""
    op.execute(_GUARD_LOGS)
    tenant_table("guard_logs", app="SELECT, INSERT")
    op.execute(_OPT_OUTS)
    tenant_table("opt_outs")
    op.execute(_DELIVERIES)
    tenant_table("deliveries")
    op.execute(_NOTIFICATION_LOGS)
    tenant_table("notification_logs", app="SELECT, INSERT, UPDATE")
    op.execute(_RECEIPTS)
    tenant_table("delivery_receipts", app="SELECT, INSERT")
    op.execute(_SANDBOX)
    tenant_table("sandbox_messages", app="SELECT, INSERT")
    op.execute("CREATE INDEX guard_logs_client ON guard_logs (client_id, id)")
    op.execute("CREATE INDEX guard_logs_correlation ON guard_logs (correlation_id)")
    op.execute("CREATE INDEX deliveries_client ON deliveries (client_id, id)")
    op.execute("CREATE INDEX deliveries_correlation ON deliveries (correlation_id)")
    op.execute("CREATE INDEX deliveries_message ON deliveries (message_id)")
    op.execute("CREATE INDEX deliveries_provider ON deliveries (provider_id) WHERE provider_id IS NOT NULL")
    op.execute("CREATE INDEX delivery_receipts_delivery ON delivery_receipts (delivery_id)")
    op.execute("CREATE INDEX sandbox_messages_to ON sandbox_messages (client_id, to_address, created_at)")


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    op.execute("DROP TABLE sandbox_messages, delivery_receipts, notification_logs, deliveries, opt_outs, guard_logs")
