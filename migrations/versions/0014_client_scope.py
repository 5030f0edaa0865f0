"""A scope may be narrowed to some clients of its organization; clients and organizations get the rest of their life."""

from __future__ import annotations

from alembic import op

from migrations.rights import APP, PLATFORM, client_rows

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Webhook endpoints are not here: what happens in a narrowed scope must still reach the endpoints of the organization.
# Nor are jobs, which a narrowed scope adds. Whoever is narrowed has no permission for either.
_OF_A_CLIENT = (
    "client_settings",
    "bots",
    "knowledge_entries",
    "contacts",
    "conversations",
    "messages",
    "guard_logs",
    "opt_outs",
    "deliveries",
    "notification_logs",
    "sandbox_messages",
    "sender_flags",
    "operator_notices",
    "admin_audit_logs",
    "sandbox_emails",
    "leads",
    "owner_alerts",
    "inbound_watermarks",
    "memberships",
    "api_keys",
)
_BY_PARENT = {
    "delivery_receipts": "EXISTS (SELECT FROM deliveries parent WHERE parent.id = delivery_id)",
}
_NEW_COLUMNS = "cancel_requested_at, archived_at"


def upgrade() -> None:
    """Narrow every table that holds a client's rows, and add the columns."""
    op.execute("ALTER TABLE organizations ADD COLUMN suspended_at timestamptz, ADD COLUMN suspended_reason text")
    op.execute("ALTER TABLE clients ADD COLUMN cancel_requested_at timestamptz, ADD COLUMN archived_at timestamptz")
    for role in (APP, PLATFORM):
        op.execute(f"GRANT INSERT ({_NEW_COLUMNS}), UPDATE ({_NEW_COLUMNS}) ON clients TO {role}")
    client_rows("clients", "id")
    for table in _OF_A_CLIENT:
        client_rows(table)
    for table, visible in _BY_PARENT.items():
        client_rows(table, visible=visible)


def downgrade() -> None:
    """Drop the policies and the columns."""
    for table in ("clients", *_OF_A_CLIENT, *_BY_PARENT):
        op.execute(f"DROP POLICY client ON {table}")
    op.execute("ALTER TABLE clients DROP COLUMN cancel_requested_at, DROP COLUMN archived_at")
    op.execute("ALTER TABLE organizations DROP COLUMN suspended_at, DROP COLUMN suspended_reason")
