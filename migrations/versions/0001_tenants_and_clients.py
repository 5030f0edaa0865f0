"""Organizations, clients, their settings and bots."""

from __future__ import annotations

from alembic import op

from migrations.rights import platform_table, tenant_table, updatable_columns

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_CLIENT_COLUMNS = (
    "slug, name, timezone, sms_number, messaging_service_sid, owner_name, owner_phone, owner_email, booking_mode,"
    " booking_url, billing_status, payment_active, trial_used_at, trial_ends_at, cancels_at, outbound_paused,"
    " notifications_paused, ai_disabled, updated_at"
)


def upgrade() -> None:
    """Create the tables that say who is served."""
    op.execute(
        """
        DO $$ BEGIN
            IF (SELECT count(*) FROM pg_roles WHERE rolname IN ('gatehouse_app', 'gatehouse_platform')) < 2 THEN
                RAISE EXCEPTION 'The roles gatehouse_app and gatehouse_platform do not exist.'
                    USING HINT = 'Run deploy/postgres/roles.sql as a superuser first, then migrate again.';
            END IF;
        END $$
        """
    )
    op.execute("GRANT USAGE ON SCHEMA public TO gatehouse_app, gatehouse_platform")
    platform_table("alembic_version")
    op.execute(
        """
        CREATE TABLE organizations (
            id uuid PRIMARY KEY,
            slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
            name text NOT NULL CHECK (name <> ''),
            status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute(
        "INSERT INTO organizations (id, slug, name)"
        " VALUES ('00000000-0000-0000-0000-000000000000', 'platform', 'Platform')"
    )
    tenant_table("organizations", org_column="id", app="SELECT")
    op.execute(
        """
        CREATE TABLE clients (
            id uuid PRIMARY KEY,
            org_id uuid NOT NULL REFERENCES organizations (id),
            slug text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
            name text NOT NULL CHECK (name <> ''),
            timezone text NOT NULL DEFAULT 'America/New_York',
            sms_number text CHECK (sms_number ~ '^\\+[1-9][0-9]{6,14}$'),
            messaging_service_sid text CHECK (messaging_service_sid ~ '^MG[0-9a-f]{32}$'),
            owner_name text,
            owner_phone text CHECK (owner_phone ~ '^\\+[1-9][0-9]{6,14}$'),
            owner_email text,
            onboarding_complete boolean NOT NULL DEFAULT false,
            booking_mode text NOT NULL DEFAULT 'none' CHECK (booking_mode IN ('none', 'redirect', 'capture')),
            booking_url text,
            billing_status text NOT NULL DEFAULT 'none'
                CHECK (billing_status IN ('none', 'trial', 'active', 'past_due', 'canceled')),
            payment_active boolean NOT NULL DEFAULT false,
            trial_used_at timestamptz,
            trial_ends_at timestamptz,
            cancels_at timestamptz,
            outbound_paused boolean NOT NULL DEFAULT false,
            notifications_paused boolean NOT NULL DEFAULT false,
            ai_disabled boolean NOT NULL DEFAULT false,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (org_id, slug),
            UNIQUE (org_id, id),
            UNIQUE (sms_number)
        )
        """
    )
    tenant_table("clients")
    # Invariant 6: onboarding_complete is in neither list, so only the function below can set it.
    updatable_columns("clients", insert=f"id, org_id, created_at, {_CLIENT_COLUMNS}", update=_CLIENT_COLUMNS)
    op.execute(
        "CREATE INDEX clients_messaging_service ON clients (messaging_service_sid)"
        " WHERE messaging_service_sid IS NOT NULL"
    )
    op.execute("CREATE INDEX clients_updated ON clients (updated_at)")
    op.execute(
        """
        CREATE FUNCTION complete_onboarding(client uuid) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE
            scope uuid := nullif(current_setting('gatehouse.org_id', true), '')::uuid;
            narrowed uuid[] := nullif(current_setting('gatehouse.client_ids', true), '')::uuid[];
            found_client clients%ROWTYPE;
        BEGIN
            SELECT * INTO found_client FROM clients
                WHERE id = client AND (session_user = 'gatehouse_platform'
                    OR (org_id = scope AND (narrowed IS NULL OR id = ANY (narrowed)))) FOR UPDATE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'No such client in this organization.' USING ERRCODE = 'no_data_found';
            END IF;
            IF found_client.sms_number IS NULL AND found_client.messaging_service_sid IS NULL THEN
                RAISE EXCEPTION 'The client has no phone number yet.' USING ERRCODE = 'check_violation';
            END IF;
            IF found_client.owner_phone IS NULL AND found_client.owner_email IS NULL THEN
                RAISE EXCEPTION 'The client has no owner to alert yet.' USING ERRCODE = 'check_violation';
            END IF;
            UPDATE clients SET onboarding_complete = true, updated_at = now() WHERE id = client;
        END $$
        """
    )
    op.execute("CREATE POLICY owner_completes_onboarding ON clients TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute("REVOKE ALL ON FUNCTION complete_onboarding(uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION complete_onboarding(uuid) TO gatehouse_app, gatehouse_platform")
    op.execute(
        """
        CREATE TABLE client_settings (
            client_id uuid PRIMARY KEY,
            org_id uuid NOT NULL,
            quiet_hours_start time,
            quiet_hours_end time,
            notification_channel text NOT NULL DEFAULT 'sms'
                CHECK (notification_channel IN ('none', 'sms', 'email', 'both')),
            fallback_text text,
            call_back_text text,
            answer_threshold real CHECK (answer_threshold BETWEEN 0 AND 1),
            updated_at timestamptz NOT NULL DEFAULT now(),
            FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE,
            CHECK ((quiet_hours_start IS NULL) = (quiet_hours_end IS NULL))
        )
        """
    )
    tenant_table("client_settings")
    op.execute(
        """
        CREATE TABLE bots (
            id uuid PRIMARY KEY,
            org_id uuid NOT NULL,
            client_id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            greeting text NOT NULL DEFAULT '',
            accent_color text NOT NULL DEFAULT '#0b5fff' CHECK (accent_color ~ '^#[0-9a-f]{6}$'),
            allowed_origins text[] NOT NULL DEFAULT '{}',
            enabled boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (org_id, id),
            FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
        )
        """
    )
    tenant_table("bots")
    op.execute("CREATE INDEX bots_client ON bots (client_id)")


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    op.execute("DROP TABLE bots, client_settings")
    op.execute("DROP FUNCTION complete_onboarding(uuid)")
    op.execute("DROP TABLE clients, organizations")
    op.execute("REVOKE ALL ON alembic_version FROM gatehouse_app, gatehouse_platform")
    op.execute("REVOKE USAGE ON SCHEMA public FROM gatehouse_app, gatehouse_platform")
