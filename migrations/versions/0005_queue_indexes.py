"""The indexes of the queue: partial ones over live work, so that a history of millions costs nothing."""

from __future__ import annotations

from migrations.indexes import create_concurrently, drop_concurrently

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INDEXES = {
    # The dispatcher's: one probe an organization finds its next job, whatever the backlog.
    "jobs_waiting": "jobs (queue, org_id, priority, run_at, id) WHERE state = 'available' AND queued_at IS NULL",
    "jobs_queued": "jobs (queue, queued_at) WHERE state = 'available' AND queued_at IS NOT NULL",
    "jobs_due": "jobs (run_at) WHERE state IN ('scheduled', 'retryable')",
    "jobs_executing": "jobs (worker_id) WHERE state = 'executing'",
    "jobs_dead": "jobs (fingerprint, id) WHERE state = 'dead'",
    "jobs_correlation": "jobs (correlation_id) WHERE correlation_id IS NOT NULL",
}
_UNIQUE_INDEXES = {
    "jobs_unique_key": "jobs (org_id, kind, unique_key) WHERE unique_key IS NOT NULL"
    " AND state IN ('scheduled', 'available', 'executing', 'retryable')",
}


def upgrade() -> None:
    """Build the indexes while jobs are written."""
    for name, definition in _INDEXES.items():
        create_concurrently(name, definition)
    for name, definition in _UNIQUE_INDEXES.items():
        create_concurrently(name, definition, unique=True)


def downgrade() -> None:
    """Drop the indexes while jobs are written."""
    for name in [*_UNIQUE_INDEXES, *_INDEXES]:
        drop_concurrently(name)
