"""Audit entries that are chained by their hashes, an organization a chain."""

from __future__ import annotations

from alembic import op

from migrations.rights import APP, PLATFORM

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# What a role may say of an act. Number, hashes and time are the database's own: nobody dates an entry back.
_WRITABLE = (
    "id, org_id, client_id, actor, actor_user_id, role, action, target_type, target_id, before, after, reason, ip,"
    " user_agent, request_id"
)

# All that an entry says, in one text that depends on no setting of the session. The leading 1 is the format: a column
# that is added later is in no hash until there is a 2. PostgreSQL binds the body to the columns, so that it refuses to
# drop one or to change its type.
_HASH = """
    CREATE FUNCTION audit_hash(previous bytea, entry admin_audit_logs) RETURNS bytea LANGUAGE sql STABLE
    RETURN sha256(coalesce(previous, ''::bytea) || convert_to(jsonb_build_array(
        1, entry.sequence, entry.id, entry.org_id, entry.client_id, entry.actor, entry.actor_user_id, entry.role,
        entry.action, entry.target_type, entry.target_id, entry.before::text, entry.after::text, entry.reason,
        entry.ip::text, entry.user_agent, entry.request_id,
        to_char(entry.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
    )::text, 'UTF8'))
"""

# Run as the transaction commits, so that the lock of a chain's head is held for the commit alone, is the last lock that
# an act takes, and is taken in the order of the organizations: acts neither wait for each other's work nor deadlock.
# All entries of the transaction are chained at its first one's turn; ids grow, so none of them is before that one.
_CHAIN = """
    CREATE FUNCTION chain_audit_entries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
    DECLARE
        chain uuid;
        head audit_heads%ROWTYPE;
        entry admin_audit_logs%ROWTYPE;
    BEGIN
        IF (SELECT sequence FROM admin_audit_logs WHERE id = NEW.id) IS NOT NULL THEN
            RETURN NULL;
        END IF;
        FOR chain IN
            SELECT DISTINCT org_id FROM admin_audit_logs WHERE id >= NEW.id AND sequence IS NULL ORDER BY org_id
        LOOP
            INSERT INTO audit_heads (tenant_id) VALUES (chain) ON CONFLICT DO NOTHING;
            SELECT * INTO head FROM audit_heads WHERE tenant_id = chain FOR UPDATE;
            FOR entry IN
                SELECT * FROM admin_audit_logs WHERE id >= NEW.id AND org_id = chain AND sequence IS NULL ORDER BY id
            LOOP
                head.sequence := head.sequence + 1;
                entry.sequence := head.sequence;
                entry.previous_hash := head.hash;
                head.hash := audit_hash(head.hash, entry);
                UPDATE admin_audit_logs
                    SET sequence = entry.sequence, previous_hash = entry.previous_hash, hash = head.hash
                    WHERE id = entry.id;
            END LOOP;
            UPDATE audit_heads SET sequence = head.sequence, hash = head.hash WHERE tenant_id = chain;
        END LOOP;
        RETURN NULL;
    END $$
"""
_CHAIN_OLD = """
    DO $$
    DECLARE
        entry admin_audit_logs%ROWTYPE;
        head audit_heads%ROWTYPE;
    BEGIN
        FOR entry IN SELECT * FROM admin_audit_logs ORDER BY org_id, id LOOP
            IF head.tenant_id IS DISTINCT FROM entry.org_id THEN
                head.tenant_id := entry.org_id;
                head.sequence := 0;
                head.hash := NULL;
            END IF;
            head.sequence := head.sequence + 1;
            entry.sequence := head.sequence;
            entry.previous_hash := head.hash;
            head.hash := audit_hash(head.hash, entry);
            UPDATE admin_audit_logs
                SET sequence = entry.sequence, previous_hash = entry.previous_hash, hash = head.hash
                WHERE id = entry.id;
        END LOOP;
        INSERT INTO audit_heads (tenant_id, sequence, hash)
            SELECT DISTINCT ON (org_id) org_id, sequence, hash FROM admin_audit_logs ORDER BY org_id, sequence DESC;
    END $$
"""
_INDEXES = {
    "admin_audit_logs_org": "(org_id, created_at, id)",
    "admin_audit_logs_time": "(created_at, id)",
    "admin_audit_logs_client": "(client_id, created_at, id) WHERE client_id IS NOT NULL",
    "admin_audit_logs_action": "(action, created_at, id)",
    "admin_audit_logs_actor": "(actor, created_at, id)",
    "admin_audit_logs_user": "(actor_user_id, created_at, id) WHERE actor_user_id IS NOT NULL",
    "admin_audit_logs_target": "(target_id, created_at, id)",
    "admin_audit_logs_request": "(request_id, created_at, id) WHERE request_id IS NOT NULL",
}


def upgrade() -> None:
    """Chain what is there, and have the database chain what is added."""
    op.execute(
        "ALTER TABLE admin_audit_logs ADD COLUMN actor_user_id uuid, ADD COLUMN sequence bigint,"
        " ADD COLUMN previous_hash bytea, ADD COLUMN hash bytea, ALTER COLUMN created_at SET DEFAULT clock_timestamp()"
    )
    for role in (APP, PLATFORM):
        op.execute(f"REVOKE INSERT ON admin_audit_logs FROM {role}")
        op.execute(f"GRANT INSERT ({_WRITABLE}) ON admin_audit_logs TO {role}")
    # The last entry of each chain: without it, entries cut off at the end would not be missed.
    op.execute("CREATE TABLE audit_heads (tenant_id uuid PRIMARY KEY, sequence bigint NOT NULL DEFAULT 0, hash bytea)")
    op.execute(f"GRANT SELECT ON audit_heads TO {PLATFORM}")
    op.execute(_HASH)
    op.execute("REVOKE ALL ON FUNCTION audit_hash(bytea, admin_audit_logs) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION audit_hash(bytea, admin_audit_logs) TO {PLATFORM}")
    op.execute("ALTER TABLE admin_audit_logs NO FORCE ROW LEVEL SECURITY")
    op.execute(_CHAIN_OLD)
    op.execute("ALTER TABLE admin_audit_logs FORCE ROW LEVEL SECURITY")
    # The owner reads entries inside the trigger alone, and writes only those that have no number yet.
    op.execute(
        "CREATE POLICY chain_reads ON admin_audit_logs FOR SELECT TO CURRENT_USER USING (pg_trigger_depth() > 0)"
    )
    op.execute(
        "CREATE POLICY chain_writes ON admin_audit_logs FOR UPDATE TO CURRENT_USER"
        " USING (pg_trigger_depth() > 0 AND sequence IS NULL) WITH CHECK (true)"
    )
    op.execute(_CHAIN)
    op.execute("REVOKE ALL ON FUNCTION chain_audit_entries() FROM PUBLIC")
    op.execute(
        "CREATE CONSTRAINT TRIGGER chain AFTER INSERT ON admin_audit_logs DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION chain_audit_entries()"
    )
    op.execute("CREATE UNIQUE INDEX admin_audit_logs_chain ON admin_audit_logs (org_id, sequence)")
    for name, definition in _INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON admin_audit_logs {definition}")


def downgrade() -> None:
    """Drop the chain; the entries stay."""
    op.execute("DROP TRIGGER chain ON admin_audit_logs")
    op.execute("DROP FUNCTION chain_audit_entries()")
    op.execute("DROP POLICY chain_reads ON admin_audit_logs")
    op.execute("DROP POLICY chain_writes ON admin_audit_logs")
    op.execute("DROP FUNCTION audit_hash(bytea, admin_audit_logs)")
    op.execute("DROP TABLE audit_heads")
    op.execute(f"DROP INDEX admin_audit_logs_chain, {', '.join(_INDEXES)}")
    op.execute(
        "ALTER TABLE admin_audit_logs DROP COLUMN actor_user_id, DROP COLUMN sequence, DROP COLUMN previous_hash,"
        " DROP COLUMN hash, ALTER COLUMN created_at SET DEFAULT now()"
    )
    for role in (APP, PLATFORM):
        op.execute(f"GRANT INSERT ON admin_audit_logs TO {role}")
