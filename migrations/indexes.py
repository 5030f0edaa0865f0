"""Indexes on tables that are written to all the time: built and dropped without blocking the writers."""

from __future__ import annotations

from alembic import op


def create_concurrently(name: str, definition: str, *, unique: bool = False) -> None:
    """Build an index (`definition`: table, columns and condition) beside the writers.

    A build that was cut off leaves an invalid index behind, which is dropped first: so the migration can be run again.
    """
    kind = "UNIQUE INDEX" if unique else "INDEX"
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE {kind} CONCURRENTLY {name} ON {definition}")


def drop_concurrently(name: str) -> None:
    """Drop an index beside the writers."""
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
