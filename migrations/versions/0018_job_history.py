"""Jobs and attempts that are found again, what workers and schedulers say of themselves, and runs of maintenance."""

from __future__ import annotations

from alembic import op

from migrations.indexes import create_concurrently, create_on_partitions, drop_concurrently
from migrations.rights import platform_table

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# An update of a job writes to every index that holds its new version, so none of these holds live work: a job that
# succeeds at once adds one entry to each of the first two, when it ends. The others hold what failed or was given up.
_ENDED = "WHERE state IN ('completed', 'cancelled', 'dead')"
_INDEXES = {
    "jobs_ended_kind": f"jobs (kind, id) {_ENDED}",
    "jobs_ended_org": f"jobs (org_id, id) {_ENDED}",
    "jobs_given_up": "jobs (state, id) WHERE state IN ('cancelled', 'dead')",
    "jobs_failed_class": "jobs (error_class, id) WHERE error_class IS NOT NULL",
    "jobs_failed_fingerprint": "jobs (fingerprint, id) WHERE fingerprint IS NOT NULL",
}
# Lists of messages and deliveries, by organization and by client. What goes out, or ends well, adds nothing to them.
_BADLY = "WHERE state IN ('unknown', 'undelivered', 'failed', 'cancelled')"
_LISTS = {
    "messages_in_org": "messages (org_id, id) WHERE direction = 'in'",
    "messages_in_client": "messages (client_id, id) WHERE direction = 'in'",
    "contacts_number": "contacts (address) WHERE channel = 'sms'",
    "deliveries_badly_org": f"deliveries (org_id, state, id) {_BADLY}",
    "deliveries_badly_client": f"deliveries (client_id, state, id) {_BADLY}",
    "deliveries_to_owner": "deliveries (client_id, channel, id) WHERE purpose IN ('owner_alert', 'test')",
}
# Neither column changes when a run ends, so that the end stays an update within its page.
_BY_WORKER = ("job_attempts_worker", "job_attempts", ("worker_id", "started_at"))

# `outcome` is empty while it runs, and stays so when it was killed.
_RUNS = """
    CREATE TABLE maintenance_runs (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        started_by text NOT NULL,
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        finished_at timestamptz,
        outcome text CHECK (outcome IN ('done', 'failed')),
        words text
    )
"""


def upgrade() -> None:
    """Let processes say what they are and how much memory they take, keep runs of maintenance, and build indexes."""
    op.execute(
        "ALTER TABLE workers ADD COLUMN role text NOT NULL DEFAULT 'worker' CHECK (role IN ('worker', 'scheduler')),"
        " ADD COLUMN rss_bytes bigint"
    )
    op.execute(_RUNS)
    platform_table("maintenance_runs", app=None)
    op.execute("CREATE INDEX maintenance_runs_name ON maintenance_runs (name, id)")
    for name, definition in (_INDEXES | _LISTS).items():
        create_concurrently(name, definition)
    create_on_partitions(*_BY_WORKER)


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    op.execute("DROP INDEX job_attempts_worker")
    for name in _INDEXES | _LISTS:
        drop_concurrently(name)
    op.execute("DROP TABLE maintenance_runs")
    op.execute("ALTER TABLE workers DROP COLUMN role, DROP COLUMN rss_bytes")
