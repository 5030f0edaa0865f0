"""What happened, counted by time: for the charts of the pages, so that they never read the history itself."""

from __future__ import annotations

from alembic import op

from migrations.rights import client_rows, platform_table, tenant_table

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Every count is kept three times, by minute, ten minutes and hour, so that a chart of an hour, a day or a week reads
# about as many rows as it draws points. For the same reason there is a row of all kinds together, whose kind and queue
# are ''. `waits` and `runs` are histograms whose bounds `domain/statistics` names; the sums are in milliseconds.
_JOB_FIGURES = """
        step text NOT NULL CHECK (step IN ('minute', 'ten_minutes', 'hour')),
        at timestamptz NOT NULL,
        kind text NOT NULL,
        queue text NOT NULL,
        completed integer NOT NULL DEFAULT 0,
        retried integer NOT NULL DEFAULT 0,
        snoozed integer NOT NULL DEFAULT 0,
        cancelled integer NOT NULL DEFAULT 0,
        dead integer NOT NULL DEFAULT 0,
        lost integer NOT NULL DEFAULT 0,
        handed_back integer NOT NULL DEFAULT 0,
        wait_ms bigint NOT NULL DEFAULT 0,
        run_ms bigint NOT NULL DEFAULT 0,
        waits integer[] NOT NULL,
        runs integer[] NOT NULL
"""
_JOB_STATISTICS = f"""
    CREATE TABLE job_statistics (
        org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
        {_JOB_FIGURES},
        PRIMARY KEY (org_id, step, kind, at, queue)
    ) WITH (fillfactor = 70)
"""
_PLATFORM_JOB_STATISTICS = f"""
    CREATE TABLE platform_job_statistics (
        {_JOB_FIGURES},
        PRIMARY KEY (step, kind, at, queue)
    ) WITH (fillfactor = 70)
"""

# What happened to messages, deliveries and decisions: `label` says how, in a word from the code. What belongs to a
# client is counted a second time in the row without one, which so is the organization's; nobody sees that who is
# narrowed to some of its clients.
_ACTIVITY_FIGURES = """
        step text NOT NULL CHECK (step IN ('minute', 'ten_minutes', 'hour')),
        at timestamptz NOT NULL,
        activity text NOT NULL,
        label text NOT NULL,
        times bigint NOT NULL
"""
_ACTIVITY_STATISTICS = f"""
    CREATE TABLE activity_statistics (
        org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
        client_id uuid,
        {_ACTIVITY_FIGURES},
        UNIQUE NULLS NOT DISTINCT (org_id, step, activity, client_id, at, label),
        FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id) ON DELETE CASCADE
    ) WITH (fillfactor = 70)
"""
_PLATFORM_ACTIVITY_STATISTICS = f"""
    CREATE TABLE platform_activity_statistics (
        {_ACTIVITY_FIGURES},
        PRIMARY KEY (step, activity, at, label)
    ) WITH (fillfactor = 70)
"""

_TABLES = ("platform_activity_statistics", "activity_statistics", "platform_job_statistics", "job_statistics")


def upgrade() -> None:
    """Create the tables. Workers write to them with the platform's rights, tenants read their own."""
    op.execute(_JOB_STATISTICS)
    tenant_table("job_statistics", app="SELECT")
    op.execute(_PLATFORM_JOB_STATISTICS)
    platform_table("platform_job_statistics", app=None)
    op.execute(_ACTIVITY_STATISTICS)
    tenant_table("activity_statistics", app="SELECT")
    client_rows("activity_statistics")
    op.execute(_PLATFORM_ACTIVITY_STATISTICS)
    platform_table("platform_activity_statistics", app=None)
    # For pruning alone: written so that no chart is read by it, as one that knows no better statistics would be.
    for table in _TABLES:
        op.execute(f"CREATE INDEX {table}_age ON {table} (step, (at AT TIME ZONE 'UTC'))")


def downgrade() -> None:
    """Drop the tables."""
    op.execute(f"DROP TABLE {', '.join(_TABLES)}")
