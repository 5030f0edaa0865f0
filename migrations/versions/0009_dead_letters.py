"""Dead letters that are announced, and operations on many of them that report their progress."""

from __future__ import annotations

from alembic import op

from migrations.indexes import create_concurrently, drop_concurrently
from migrations.rights import platform_table

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# `position`: the last letter looked at. `next_at`: from when on the next one may run, where a rate is asked for.
_OPERATIONS = """
    CREATE TABLE dead_operations (
        id uuid PRIMARY KEY,
        action text NOT NULL CHECK (action IN ('requeue', 'discard')),
        filter jsonb NOT NULL,
        per_minute integer CHECK (per_minute > 0),
        actor text NOT NULL,
        reason text NOT NULL,
        state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'finished', 'cancelled')),
        total integer NOT NULL,
        done integer NOT NULL DEFAULT 0,
        skipped integer NOT NULL DEFAULT 0,
        position uuid,
        next_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz
    )
"""
# Two names of one collation let a query choose its index by how it is written. When the statistics know nothing of a
# flood of deaths, all that is dead looks like one row, and any index of it as good (`domain.queue.dead`).
_INDEXES = {
    "jobs_dead_unannounced": "jobs (id) WHERE state = 'dead' AND announced_at IS NULL",
    "jobs_dead_by_id": """jobs (id) WHERE state COLLATE "POSIX" = 'dead'""",
    "jobs_dead_unique_key": (
        """jobs (org_id, kind, unique_key, id) WHERE unique_key IS NOT NULL AND state COLLATE "C" = 'dead'"""
    ),
}


def upgrade() -> None:
    """Create the table, and tell apart dead letters of which somebody was told."""
    op.execute("ALTER TABLE jobs ADD COLUMN announced_at timestamptz")
    op.execute(_OPERATIONS)
    platform_table("dead_operations", app=None)
    for name, definition in _INDEXES.items():
        create_concurrently(name, definition)


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    for name in _INDEXES:
        drop_concurrently(name)
    op.execute("DROP TABLE dead_operations")
    op.execute("ALTER TABLE jobs DROP COLUMN announced_at")
