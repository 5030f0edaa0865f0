"""Weights and limits of the queue, draining, and when periodic work was last asked for."""

from __future__ import annotations

from alembic import op

from migrations.indexes import create_concurrently, drop_concurrently
from migrations.rights import platform_table

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# A limit is met by jobs that fit all of its columns that are set. `tokens` is what the rate allows at `refilled_at`;
# `served_last` is the tenant that got the last place, so that all who share the limit take turns.
_LIMITS = """
    CREATE TABLE queue_limits (
        id uuid PRIMARY KEY,
        tenant_id uuid REFERENCES organizations (id) ON DELETE CASCADE,
        kind text,
        key text,
        max_running integer CHECK (max_running >= 0),
        per_minute integer CHECK (per_minute > 0),
        tokens double precision NOT NULL DEFAULT 0,
        refilled_at timestamptz NOT NULL DEFAULT now(),
        served_last uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE NULLS NOT DISTINCT (tenant_id, kind, key),
        CHECK (num_nonnulls(tenant_id, kind, key) > 0),
        CHECK (num_nonnulls(max_running, per_minute) > 0)
    )
"""
_WEIGHTS = """
    CREATE TABLE queue_weights (
        tenant_id uuid PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
        weight integer NOT NULL CHECK (weight BETWEEN 1 AND 100)
    )
"""
_SCHEDULES = """
    CREATE TABLE schedules (
        name text PRIMARY KEY,
        asked_at timestamptz NOT NULL
    )
"""
_WAITING = "jobs (queue, org_id, priority, run_at, id) WHERE state = 'available' AND queued_at IS NULL"
_INDEXES = {
    # Found tenant by tenant, like those that wait for their turn: places that become free go around too.
    "jobs_held": "jobs (held_by, queue, org_id, priority, run_at, id) WHERE held_by IS NOT NULL",
    "jobs_turn": f"{_WAITING} AND held_by IS NULL",
    # What has not left yet, so that texts to one person leave in order.
    "deliveries_unsent": "deliveries (client_id, to_address, id) WHERE state IN ('pending', 'sending', 'unknown')",
}


def upgrade() -> None:
    """Create the tables, and tell jobs that a limit holds back from those that wait for their turn."""
    op.execute("ALTER TABLE jobs ADD COLUMN limit_key text, ADD COLUMN held_by uuid")
    op.execute("ALTER TABLE queues ADD COLUMN draining_at timestamptz")
    for table, statement in (("queue_limits", _LIMITS), ("queue_weights", _WEIGHTS), ("schedules", _SCHEDULES)):
        op.execute(statement)
        platform_table(table)
    for name, definition in _INDEXES.items():
        create_concurrently(name, definition)
    drop_concurrently("jobs_waiting")


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    create_concurrently("jobs_waiting", _WAITING)
    for name in _INDEXES:
        drop_concurrently(name)
    op.execute("DROP TABLE schedules, queue_weights, queue_limits")
    op.execute("ALTER TABLE queues DROP COLUMN draining_at")
    op.execute("ALTER TABLE jobs DROP COLUMN limit_key, DROP COLUMN held_by")
