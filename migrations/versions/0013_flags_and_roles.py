"""Feature flags, runtime settings, and what a tenant changes of a role."""

from __future__ import annotations

from alembic import op

from migrations.rights import platform_table, tenant_table

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# A runtime setting is a flag of another kind: the same types, targets, revisions and speed.
_FLAGS = """
    CREATE TABLE flags (
        key text PRIMARY KEY CHECK (key ~ '^[a-z][a-z0-9_.-]{0,98}$'),
        kind text NOT NULL CHECK (kind IN ('flag', 'kill_switch', 'setting')),
        value_type text NOT NULL CHECK (value_type IN ('boolean', 'string', 'integer', 'float', 'object')),
        about text NOT NULL CHECK (about <> ''),
        default_value jsonb NOT NULL,
        version integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        archived_at timestamptz
    )
"""

# The first target that fits, by position, decides. `percentage` (0 to 100) is a share of those that fit.
_TARGETS = """
    CREATE TABLE flag_targets (
        key text NOT NULL REFERENCES flags (key) ON DELETE CASCADE,
        position integer NOT NULL CHECK (position >= 0),
        tenant_id uuid REFERENCES organizations (id) ON DELETE CASCADE,
        client_id uuid REFERENCES clients (id) ON DELETE CASCADE,
        percentage real CHECK (percentage BETWEEN 0 AND 100),
        value jsonb NOT NULL,
        PRIMARY KEY (key, position)
    )
"""
_REVISIONS = """
    CREATE TABLE flag_revisions (
        key text NOT NULL,
        version integer NOT NULL,
        document jsonb NOT NULL,
        actor text NOT NULL,
        reason text,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (key, version)
    )
"""
_ROLE_OVERRIDES = """
    CREATE TABLE role_overrides (
        org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
        role text NOT NULL CHECK (role ~ '^[a-z][a-z_]{1,62}$'),
        document jsonb NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, role)
    )
"""


def upgrade() -> None:
    """Create the tables."""
    for table, statement in (("flags", _FLAGS), ("flag_targets", _TARGETS), ("flag_revisions", _REVISIONS)):
        op.execute(statement)
        platform_table(table, app=None)
    op.execute("CREATE INDEX flag_targets_client ON flag_targets (client_id) WHERE client_id IS NOT NULL")
    op.execute("CREATE INDEX flag_targets_tenant ON flag_targets (tenant_id) WHERE tenant_id IS NOT NULL")
    op.execute(_ROLE_OVERRIDES)
    tenant_table("role_overrides")


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    op.execute("DROP TABLE role_overrides, flag_revisions, flag_targets, flags")
