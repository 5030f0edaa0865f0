"""One entry of a kind and title for each client: two that were written at once got past the check in code."""

from __future__ import annotations

from alembic import op

from migrations.indexes import create_concurrently, drop_concurrently

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# The oldest of those that share a title keeps it; the others get a number, so that nothing a person wrote is lost.
_NUMBER_TWINS = """
    UPDATE knowledge_entries e SET title = e.title || ' (' || t.place || ')'
    FROM (
        SELECT id, row_number() OVER (PARTITION BY client_id, kind, lower(title) ORDER BY created_at, id) AS place
        FROM knowledge_entries
    ) t
    WHERE t.id = e.id AND t.place > 1
"""


def upgrade() -> None:
    """Build the index; twins get a number first."""
    # Row-level security is forced on the owner as well, whom no policy names.
    op.execute("ALTER TABLE knowledge_entries NO FORCE ROW LEVEL SECURITY")
    op.execute(_NUMBER_TWINS)
    op.execute("ALTER TABLE knowledge_entries FORCE ROW LEVEL SECURITY")
    create_concurrently("knowledge_entries_title", "knowledge_entries (client_id, kind, lower(title))", unique=True)


def downgrade() -> None:
    """Drop the index."""
    drop_concurrently("knowledge_entries_title")
