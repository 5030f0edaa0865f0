"""Sending, completed: segments, validity, e-mail, flagged senders, notices to operators, and the audit log."""

from __future__ import annotations

from alembic import op

from migrations.indexes import create_concurrently, drop_concurrently
from migrations.rights import APP, PLATFORM, tenant_table

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# A sender that the provider refuses: its deliveries wait until a probe succeeds or a person clears it. `late`: the
# refusal came by a receipt, so that only a receipt shows that it is over.
_SENDER_FLAGS = """
    CREATE TABLE sender_flags (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        sender text NOT NULL,
        error_code text,
        reason text NOT NULL,
        late boolean NOT NULL DEFAULT false,
        probes integer NOT NULL DEFAULT 0,
        probe_at timestamptz NOT NULL DEFAULT now(),
        flagged_at timestamptz NOT NULL DEFAULT now(),
        cleared_at timestamptz,
        cleared_by text,
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

# What a person has to know or to decide, once for as long as it is so. The platform's own carry the platform's id.
_NOTICES = """
    CREATE TABLE operator_notices (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
        client_id uuid,
        kind text NOT NULL,
        subject text NOT NULL,
        words text NOT NULL,
        count integer NOT NULL DEFAULT 1,
        first_at timestamptz NOT NULL DEFAULT now(),
        last_at timestamptz NOT NULL DEFAULT now(),
        resolved_at timestamptz,
        resolved_by text,
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

# No foreign key: what was done to a client stays on record when the client is gone.
_AUDIT = """
    CREATE TABLE admin_audit_logs (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid,
        actor text NOT NULL,
        role text NOT NULL,
        action text NOT NULL,
        target_type text NOT NULL,
        target_id text NOT NULL,
        before jsonb,
        after jsonb,
        reason text,
        ip inet,
        user_agent text,
        request_id text,
        created_at timestamptz NOT NULL DEFAULT now()
    )
"""

_SANDBOX_EMAILS = """
    CREATE TABLE sandbox_emails (
        attempt_id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        client_id uuid NOT NULL,
        provider_id text NOT NULL UNIQUE,
        to_address text NOT NULL,
        from_address text NOT NULL,
        subject text NOT NULL,
        body text NOT NULL,
        html_body text,
        headers jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

_PURPOSES = "'reply', 'fallback', 'owner_alert', 'person', 'test', 'crisis'"
# `failed`: the provider took it, and reported later that it came to nothing.
_OUTCOMES = "'sending', 'accepted', 'blocked', 'rejected', 'unknown', 'not_sent', 'failed'"
_SOURCES = "'keyword', 'provider', 'operator', 'bounce', 'complaint', 'unsubscribe', 'import'"
_INDEXES = {
    "deliveries_open": "deliveries (coalesce(looked_up_at, updated_at), id)"
    " WHERE state IN ('accepted', 'sent') AND closed_at IS NULL",
    "deliveries_unknown": "deliveries (updated_at, id) WHERE state = 'unknown'",
    "notification_logs_provider": "notification_logs (provider_id) WHERE provider_id IS NOT NULL",
    "sender_flags_client": "sender_flags (client_id, flagged_at)",
    "operator_notices_open": "operator_notices (org_id, last_at) WHERE resolved_at IS NULL",
    "sandbox_emails_client": "sandbox_emails (client_id, created_at)",
}
_UNIQUE_INDEXES = {
    "sender_flags_open": "sender_flags (client_id, sender) WHERE cleared_at IS NULL",
    "operator_notices_one": "operator_notices (org_id, kind, subject) WHERE resolved_at IS NULL",
}


def upgrade() -> None:
    """Widen deliveries and create the tables around them."""
    op.execute(
        """
        ALTER TABLE deliveries
            ADD COLUMN html_body text,
            ADD COLUMN segments smallint,
            ADD COLUMN encoding text CHECK (encoding IN ('gsm7', 'ucs2')),
            ADD COLUMN expires_at timestamptz,
            ADD COLUMN asked_person_at timestamptz,
            ADD COLUMN looked_up_at timestamptz,
            ADD COLUMN closed_at timestamptz
        """
    )
    _replace_check("deliveries", "purpose", _PURPOSES)
    _replace_check("opt_outs", "source", _SOURCES)
    _replace_check("notification_logs", "outcome", _OUTCOMES)
    op.execute(_SENDER_FLAGS)
    tenant_table("sender_flags", app="SELECT, INSERT, UPDATE")
    op.execute(_NOTICES)
    tenant_table("operator_notices", app="SELECT, INSERT, UPDATE")
    op.execute(_AUDIT)
    tenant_table("admin_audit_logs", app="SELECT, INSERT")
    # Invariant 9: what was done stays on record, whoever did it.
    op.execute(f"REVOKE UPDATE, DELETE ON admin_audit_logs FROM {APP}, {PLATFORM}")
    op.execute(_SANDBOX_EMAILS)
    tenant_table("sandbox_emails", app="SELECT, INSERT")
    for name, definition in _INDEXES.items():
        create_concurrently(name, definition)
    for name, definition in _UNIQUE_INDEXES.items():
        create_concurrently(name, definition, unique=True)


def downgrade() -> None:
    """Drop what `upgrade` made. Rows that only the new checks allow have to be removed before."""
    for name in [*_UNIQUE_INDEXES, *_INDEXES]:
        drop_concurrently(name)
    op.execute("DROP TABLE sandbox_emails, admin_audit_logs, operator_notices, sender_flags")
    _replace_check("notification_logs", "outcome", _OUTCOMES.removesuffix(", 'failed'"))
    _replace_check("opt_outs", "source", "'keyword', 'provider', 'operator'")
    _replace_check("deliveries", "purpose", "'reply', 'fallback', 'owner_alert'")
    op.execute(
        """
        ALTER TABLE deliveries
            DROP COLUMN html_body, DROP COLUMN segments, DROP COLUMN encoding, DROP COLUMN expires_at,
            DROP COLUMN asked_person_at, DROP COLUMN looked_up_at, DROP COLUMN closed_at
        """
    )


def _replace_check(table: str, column: str, values: str) -> None:
    """Replace a check of a column without holding up writers: the rows are looked through under a weak lock."""
    name = f"{table}_{column}_check"
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IN ({values})) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
