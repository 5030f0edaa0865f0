"""One entry of a kind and title for each client; since when a Messaging Service is a client's; who made a key."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

from migrations.indexes import create_concurrently, drop_concurrently
from migrations.rights import APP, PLATFORM

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# What the code calls the same title (`domain.replies.entries.title_key`) is more than this. The index holds up what
# goes past the code, so it takes the part of that rule which no server's locale changes.
_TITLE = 'lower(title COLLATE "C")'
# The oldest of those that share a title keeps it; the others get a number, so that nothing a person wrote is lost.
_NUMBER_TWINS = f"""
    UPDATE knowledge_entries e SET title = e.title || ' (' || t.place || ')'
    FROM (
        SELECT id, row_number() OVER (PARTITION BY client_id, kind, {_TITLE} ORDER BY created_at, id) AS place
        FROM knowledge_entries
    ) t
    WHERE t.id = e.id AND t.place > 1
"""


def upgrade() -> None:
    """Add the columns and build the index; twins get a number first."""
    op.execute("ALTER TABLE clients ADD COLUMN IF NOT EXISTS messaging_service_since timestamptz")
    for role in (APP, PLATFORM):
        op.execute(f"GRANT INSERT (messaging_service_since), UPDATE (messaging_service_since) ON clients TO {role}")
    op.execute(
        "ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS created_by_user uuid REFERENCES users (id) ON DELETE SET NULL"
    )
    # Row-level security is forced on the owner as well, whom no policy names.
    op.execute("ALTER TABLE knowledge_entries NO FORCE ROW LEVEL SECURITY")
    # A number may make a title that another one has already: so until no two are the same.
    while op.get_bind().execute(text(_NUMBER_TWINS)).rowcount:
        pass
    op.execute("ALTER TABLE knowledge_entries FORCE ROW LEVEL SECURITY")
    create_concurrently("knowledge_entries_title", f"knowledge_entries (client_id, kind, {_TITLE})", unique=True)


def downgrade() -> None:
    """Drop the index and the columns."""
    op.execute("ALTER TABLE api_keys DROP COLUMN created_by_user")
    op.execute("ALTER TABLE clients DROP COLUMN messaging_service_since")
    drop_concurrently("knowledge_entries_title")
