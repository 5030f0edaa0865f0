"""Roles count once their person has accepted them, and a session says which organization its pages are about."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. What was given before counts as accepted: nobody loses a role that they use."""
    op.execute("ALTER TABLE memberships ADD COLUMN accepted_at timestamptz")
    op.execute("UPDATE memberships SET accepted_at = created_at")
    op.execute(
        "ALTER TABLE user_sessions ADD COLUMN chosen_org_id uuid REFERENCES organizations (id) ON DELETE SET NULL"
    )


def downgrade() -> None:
    """Drop the columns; who had not answered is not let in by that."""
    op.execute("DELETE FROM memberships WHERE accepted_at IS NULL")
    op.execute("ALTER TABLE memberships DROP COLUMN accepted_at")
    op.execute("ALTER TABLE user_sessions DROP COLUMN chosen_org_id")
