"""Decisions that let something not pass, found by organization, client, guard and time among the many that did."""

from __future__ import annotations

from migrations.indexes import create_concurrently, drop_concurrently

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# What passes, as nearly everything does, adds nothing to them.
_BLOCKED = "WHERE NOT allowed"
_INDEXES = {
    "guard_logs_blocked": f"guard_logs (id) {_BLOCKED}",
    "guard_logs_blocked_org": f"guard_logs (org_id, id) {_BLOCKED}",
    "guard_logs_blocked_client": f"guard_logs (client_id, id) {_BLOCKED}",
    "guard_logs_blocked_guard": f"guard_logs (guard, id) {_BLOCKED}",
}


def upgrade() -> None:
    """Build the indexes while decisions are written."""
    for name, definition in _INDEXES.items():
        create_concurrently(name, definition)


def downgrade() -> None:
    """Drop them while decisions are written."""
    for name in _INDEXES:
        drop_concurrently(name)
