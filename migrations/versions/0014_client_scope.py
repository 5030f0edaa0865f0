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
_NEW_COLUMNS = "cancel_requested_at, archived_at, sms_number_since"

# Row-level security hides other organizations' clients from the one that is written, so this runs as the tables' owner.
_ONE_ORGANIZATION = """
    CREATE FUNCTION keep_messaging_service_to_one_organization() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended(NEW.messaging_service_sid, 0));
        IF EXISTS (SELECT FROM clients
                   WHERE messaging_service_sid = NEW.messaging_service_sid AND org_id <> NEW.org_id) THEN
            RAISE EXCEPTION 'This Messaging Service is another organization''s.'
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'clients_messaging_service_of_one_organization';
        END IF;
        RETURN NEW;
    END $$
"""


def upgrade() -> None:
    """Narrow every table that holds a client's rows, and add the columns."""
    op.execute("ALTER TABLE organizations ADD COLUMN suspended_at timestamptz, ADD COLUMN suspended_reason text")
    op.execute(f"GRANT UPDATE (name, updated_at) ON organizations TO {APP}")
    op.execute(
        "ALTER TABLE clients ADD COLUMN cancel_requested_at timestamptz, ADD COLUMN archived_at timestamptz,"
        " ADD COLUMN sms_number_since timestamptz"
    )
    op.execute(
        "CREATE INDEX clients_cancels ON clients (cancels_at)"
        " WHERE cancels_at IS NOT NULL AND billing_status <> 'canceled'"
    )
    op.execute("CREATE INDEX clients_trial_ends ON clients (trial_ends_at) WHERE billing_status = 'trial'")
    op.execute(_ONE_ORGANIZATION)
    op.execute("REVOKE ALL ON FUNCTION keep_messaging_service_to_one_organization() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER one_organization BEFORE INSERT OR UPDATE OF messaging_service_sid ON clients FOR EACH ROW"
        " WHEN (NEW.messaging_service_sid IS NOT NULL)"
        " EXECUTE FUNCTION keep_messaging_service_to_one_organization()"
    )
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
    op.execute("DROP INDEX clients_cancels, clients_trial_ends")
    op.execute("DROP TRIGGER one_organization ON clients")
    op.execute("DROP FUNCTION keep_messaging_service_to_one_organization()")
    op.execute(
        "ALTER TABLE clients DROP COLUMN cancel_requested_at, DROP COLUMN archived_at, DROP COLUMN sms_number_since"
    )
    op.execute(f"REVOKE UPDATE (name, updated_at) ON organizations FROM {APP}")
    op.execute("ALTER TABLE organizations DROP COLUMN suspended_at, DROP COLUMN suspended_reason")
