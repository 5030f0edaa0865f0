"""Roles count once their person has accepted them, and a session says which organization its pages are about."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_WAS_USED = "SELECT id FROM users WHERE email_verified_at IS NOT NULL OR last_sign_in_at IS NOT NULL"


def upgrade() -> None:
    """Add the columns. What a person could use before counts as accepted; who had not answered is still asked."""
    op.execute("ALTER TABLE memberships ADD COLUMN accepted_at timestamptz, ADD COLUMN invited_address text")
    # Forced row-level security hides the rows from their owner as well.
    op.execute("ALTER TABLE memberships NO FORCE ROW LEVEL SECURITY")
    op.execute(f"UPDATE memberships SET accepted_at = created_at WHERE user_id IN ({_WAS_USED})")
    op.execute(
        "UPDATE memberships m SET invited_address = u.email FROM users u"
        " WHERE u.id = m.user_id AND m.accepted_at IS NULL"
    )
    op.execute("ALTER TABLE memberships FORCE ROW LEVEL SECURITY")
    op.execute("CREATE INDEX memberships_pending ON memberships (created_at) WHERE accepted_at IS NULL")
    op.execute(
        "ALTER TABLE user_sessions ADD COLUMN chosen_org_id uuid REFERENCES organizations (id) ON DELETE SET NULL"
    )


def downgrade() -> None:
    """Drop the columns; who had not answered is not let in by that."""
    op.execute("ALTER TABLE memberships NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM memberships WHERE accepted_at IS NULL")
    op.execute("ALTER TABLE memberships FORCE ROW LEVEL SECURITY")
    op.execute("DROP INDEX memberships_pending")
    op.execute("ALTER TABLE memberships DROP COLUMN accepted_at, DROP COLUMN invited_address")
    op.execute("ALTER TABLE user_sessions DROP COLUMN chosen_org_id")
