"""Outbound webhooks: endpoints of tenants, the events they may see, and each try at telling them."""

from __future__ import annotations

from alembic import op

from migrations.rights import tenant_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Secrets are sealed with the key of the settings; the second one is valid until `previous_until`, for rotation.
_ENDPOINTS = """
    CREATE TABLE webhook_endpoints (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
        client_id uuid,
        url text NOT NULL CHECK (url ~ '^https?://'),
        description text NOT NULL DEFAULT '',
        events text[] NOT NULL,
        sealed_secret text NOT NULL,
        sealed_previous_secret text,
        previous_until timestamptz,
        enabled boolean NOT NULL DEFAULT true,
        failing_since timestamptz,
        failures integer NOT NULL DEFAULT 0,
        held_until timestamptz,
        disabled_at timestamptz,
        disabled_because text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (org_id, id),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

_EVENTS = """
    CREATE TABLE webhook_events (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
        client_id uuid,
        type text NOT NULL,
        payload jsonb NOT NULL,
        correlation_id uuid,
        occurred_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (org_id, id),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

_SENDS = """
    CREATE TABLE webhook_sends (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        event_id uuid NOT NULL,
        endpoint_id uuid NOT NULL,
        replay integer NOT NULL DEFAULT 0,
        state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed', 'cancelled')),
        attempts integer NOT NULL DEFAULT 0,
        reason text,
        created_at timestamptz NOT NULL DEFAULT now(),
        settled_at timestamptz,
        UNIQUE (org_id, id),
        UNIQUE (event_id, endpoint_id, replay),
        FOREIGN KEY (org_id, event_id) REFERENCES webhook_events (org_id, id) ON DELETE CASCADE,
        FOREIGN KEY (org_id, endpoint_id) REFERENCES webhook_endpoints (org_id, id) ON DELETE CASCADE
    )
"""

_ATTEMPTS = """
    CREATE TABLE webhook_attempts (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        send_id uuid NOT NULL,
        attempt integer NOT NULL,
        status integer,
        error text,
        started_at timestamptz NOT NULL,
        milliseconds integer,
        UNIQUE (send_id, attempt),
        FOREIGN KEY (org_id, send_id) REFERENCES webhook_sends (org_id, id) ON DELETE CASCADE
    )
"""


def upgrade() -> None:
    """Create the tables."""
    for table, statement in (
        ("webhook_endpoints", _ENDPOINTS),
        ("webhook_events", _EVENTS),
        ("webhook_sends", _SENDS),
        ("webhook_attempts", _ATTEMPTS),
    ):
        op.execute(statement)
        tenant_table(table)
    op.execute("CREATE INDEX webhook_endpoints_org ON webhook_endpoints (org_id)")
    op.execute("CREATE INDEX webhook_events_org ON webhook_events (org_id, occurred_at, id)")
    op.execute("CREATE INDEX webhook_sends_endpoint ON webhook_sends (endpoint_id, id)")


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    op.execute("DROP TABLE webhook_attempts, webhook_sends, webhook_events, webhook_endpoints")
