"""People and machines: users, their sessions and memberships, and API keys."""

from __future__ import annotations

from alembic import op

from migrations.rights import platform_table, tenant_table

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# A person may belong to several organizations, so an account is the platform's; a membership is a tenant's.
_USERS = """
    CREATE TABLE users (
        id uuid PRIMARY KEY,
        email text NOT NULL UNIQUE CHECK (email = lower(email) AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
        name text NOT NULL DEFAULT '',
        timezone text,
        password_hash text,
        password_changed_at timestamptz,
        email_verified_at timestamptz,
        disabled_at timestamptz,
        disabled_reason text,
        sealed_totp_secret text,
        totp_confirmed_at timestamptz,
        totp_last_step bigint,
        last_sign_in_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
"""

# `client_id` narrows a membership to one client. A platform role is a membership of the platform's organization.
_MEMBERSHIPS = """
    CREATE TABLE memberships (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL REFERENCES organizations (id),
        client_id uuid,
        user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        role text NOT NULL CHECK (role ~ '^[a-z][a-z_]{1,62}$'),
        reports_to uuid REFERENCES users (id) ON DELETE SET NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE NULLS NOT DISTINCT (user_id, org_id, client_id, role),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    )
"""

# Only hashes of what a browser, a letter or a machine holds are kept. A session without a user is the admin token's.
_SESSIONS = """
    CREATE TABLE user_sessions (
        token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
        user_id uuid REFERENCES users (id) ON DELETE CASCADE,
        admin_token_mark text,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_seen_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        second_factor_at timestamptz,
        ip inet,
        user_agent text,
        view_org_id uuid REFERENCES organizations (id) ON DELETE CASCADE,
        view_client_id uuid,
        view_until timestamptz,
        view_writes boolean NOT NULL DEFAULT false,
        view_reason text,
        FOREIGN KEY (view_org_id, view_client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE,
        CHECK ((user_id IS NULL) = (admin_token_mark IS NOT NULL)),
        CHECK ((view_client_id IS NULL) = (view_until IS NULL) AND (view_client_id IS NULL) = (view_org_id IS NULL))
    )
"""
_ACCOUNT_TOKENS = """
    CREATE TABLE account_tokens (
        token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
        user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        purpose text NOT NULL CHECK (purpose IN ('invite', 'verify_email', 'reset_password')),
        email text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        used_at timestamptz
    )
"""
_RECOVERY_CODES = """
    CREATE TABLE recovery_codes (
        user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        code_hash bytea NOT NULL,
        used_at timestamptz,
        PRIMARY KEY (user_id, code_hash)
    )
"""
# Guesses are counted by a hash of what was typed, for accounts that exist and for those that don't.
_GUESS_COUNTS = """
    CREATE TABLE guess_counts (
        key_hash bytea PRIMARY KEY CHECK (length(key_hash) = 32),
        failures integer NOT NULL,
        last_at timestamptz NOT NULL,
        locked_until timestamptz
    )
"""
_OIDC_IDENTITIES = """
    CREATE TABLE oidc_identities (
        issuer text NOT NULL,
        subject text NOT NULL,
        user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (issuer, subject)
    )
"""

# `scopes`: the permissions of the role that the key has; NULL for all of them. `replaces`: the key it was rotated from.
_API_KEYS = """
    CREATE TABLE api_keys (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL REFERENCES organizations (id),
        client_id uuid,
        name text NOT NULL CHECK (name <> ''),
        prefix text NOT NULL UNIQUE CHECK (prefix ~ '^[a-z0-9_]{6,24}$'),
        secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
        role text NOT NULL CHECK (role ~ '^[a-z][a-z_]{1,62}$'),
        scopes text[],
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        last_used_at timestamptz,
        revoked_at timestamptz,
        replaces uuid,
        UNIQUE (org_id, id),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE,
        FOREIGN KEY (org_id, replaces) REFERENCES api_keys (org_id, id)
    )
"""
_PLATFORM = {
    "users": _USERS,
    "user_sessions": _SESSIONS,
    "account_tokens": _ACCOUNT_TOKENS,
    "recovery_codes": _RECOVERY_CODES,
    "guess_counts": _GUESS_COUNTS,
    "oidc_identities": _OIDC_IDENTITIES,
}
_INDEXES = {
    "memberships_org": "memberships (org_id, id)",
    "memberships_reports_to": "memberships (reports_to) WHERE reports_to IS NOT NULL",
    "user_sessions_user": "user_sessions (user_id)",
    "user_sessions_expires": "user_sessions (expires_at)",
    "guess_counts_last": "guess_counts (last_at)",
    "account_tokens_user": "account_tokens (user_id)",
    "oidc_identities_user": "oidc_identities (user_id)",
}


def upgrade() -> None:
    """Create the tables."""
    for table, statement in _PLATFORM.items():
        op.execute(statement)
        platform_table(table, app=None)
    op.execute(_MEMBERSHIPS)
    tenant_table("memberships")
    op.execute(_API_KEYS)
    tenant_table("api_keys", app="SELECT, INSERT, UPDATE")
    for name, definition in _INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {definition}")
    # A letter about an account is of the platform and of no client.
    op.execute("ALTER TABLE sandbox_emails ALTER COLUMN client_id DROP NOT NULL")


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    op.execute("ALTER TABLE sandbox_emails NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM sandbox_emails WHERE client_id IS NULL")
    op.execute("ALTER TABLE sandbox_emails FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE sandbox_emails ALTER COLUMN client_id SET NOT NULL")
    op.execute(
        "DROP TABLE api_keys, memberships, guess_counts, oidc_identities, recovery_codes, account_tokens,"
        " user_sessions, users"
    )
