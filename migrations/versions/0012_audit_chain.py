"""Audit entries that are chained by their hashes, an organization a chain."""

from __future__ import annotations

from alembic import op

from migrations.rights import APP, PLATFORM

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# All that an entry says, in one text that depends on no setting of the session.
_HASH = """
    CREATE FUNCTION audit_hash(previous bytea, entry admin_audit_logs) RETURNS bytea
    LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
        SELECT sha256(coalesce(previous, ''::bytea) || convert_to(jsonb_build_array(
            entry.sequence, entry.id, entry.org_id, entry.client_id, entry.actor, entry.actor_user_id, entry.role,
            entry.action, entry.target_type, entry.target_id, entry.before, entry.after, entry.reason,
            host(entry.ip), entry.user_agent, entry.request_id,
            to_char(entry.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
        )::text, 'UTF8'))
    $$
"""

# The head's row lock makes the entries of one organization follow each other; it is held until the act commits.
_CHAIN = """
    CREATE FUNCTION chain_audit_entry() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    DECLARE
        head audit_heads%ROWTYPE;
    BEGIN
        INSERT INTO audit_heads (tenant_id) VALUES (NEW.org_id) ON CONFLICT DO NOTHING;
        SELECT * INTO head FROM audit_heads WHERE tenant_id = NEW.org_id FOR UPDATE;
        NEW.sequence := head.sequence + 1;
        NEW.previous_hash := head.hash;
        NEW.hash := audit_hash(head.hash, NEW);
        UPDATE audit_heads SET sequence = NEW.sequence, hash = NEW.hash WHERE tenant_id = NEW.org_id;
        RETURN NEW;
    END $$
"""
_CHAIN_OLD = """
    DO $$
    DECLARE
        entry admin_audit_logs%ROWTYPE;
        head audit_heads%ROWTYPE;
    BEGIN
        FOR entry IN SELECT * FROM admin_audit_logs ORDER BY id LOOP
            INSERT INTO audit_heads (tenant_id) VALUES (entry.org_id) ON CONFLICT DO NOTHING;
            SELECT * INTO head FROM audit_heads WHERE tenant_id = entry.org_id;
            entry.sequence := head.sequence + 1;
            UPDATE admin_audit_logs SET sequence = entry.sequence, previous_hash = head.hash,
                hash = audit_hash(head.hash, entry) WHERE id = entry.id RETURNING * INTO entry;
            UPDATE audit_heads SET sequence = entry.sequence, hash = entry.hash WHERE tenant_id = entry.org_id;
        END LOOP;
    END $$
"""


def upgrade() -> None:
    """Chain what is there, and have the database chain what is added."""
    op.execute(
        "ALTER TABLE admin_audit_logs ADD COLUMN actor_user_id uuid, ADD COLUMN sequence bigint,"
        " ADD COLUMN previous_hash bytea, ADD COLUMN hash bytea"
    )
    # The last entry of each chain: without it, entries cut off at the end would not be missed.
    op.execute("CREATE TABLE audit_heads (tenant_id uuid PRIMARY KEY, sequence bigint NOT NULL DEFAULT 0, hash bytea)")
    op.execute(f"GRANT SELECT ON audit_heads TO {PLATFORM}")
    op.execute(_HASH)
    op.execute("ALTER TABLE admin_audit_logs NO FORCE ROW LEVEL SECURITY")
    op.execute(_CHAIN_OLD)
    op.execute("ALTER TABLE admin_audit_logs FORCE ROW LEVEL SECURITY")
    op.execute(_CHAIN)
    op.execute("REVOKE ALL ON FUNCTION chain_audit_entry() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER chain BEFORE INSERT ON admin_audit_logs FOR EACH ROW EXECUTE FUNCTION chain_audit_entry()"
    )
    op.execute("CREATE UNIQUE INDEX admin_audit_logs_chain ON admin_audit_logs (org_id, sequence)")
    op.execute("CREATE INDEX admin_audit_logs_action ON admin_audit_logs (action, id)")
    op.execute("CREATE INDEX admin_audit_logs_actor ON admin_audit_logs (actor, id)")
    op.execute(f"GRANT EXECUTE ON FUNCTION audit_hash(bytea, admin_audit_logs) TO {APP}, {PLATFORM}")


def downgrade() -> None:
    """Drop the chain; the entries stay."""
    op.execute("DROP TRIGGER chain ON admin_audit_logs")
    op.execute("DROP FUNCTION chain_audit_entry()")
    op.execute("DROP FUNCTION audit_hash(bytea, admin_audit_logs)")
    op.execute("DROP TABLE audit_heads")
    op.execute("DROP INDEX admin_audit_logs_chain, admin_audit_logs_action, admin_audit_logs_actor")
    op.execute(
        "ALTER TABLE admin_audit_logs DROP COLUMN actor_user_id, DROP COLUMN sequence, DROP COLUMN previous_hash,"
        " DROP COLUMN hash"
    )
