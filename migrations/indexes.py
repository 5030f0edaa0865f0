"""Indexes on tables that are written to all the time: built and dropped without blocking the writers."""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

_UNINDEXED = """
    SELECT child.relname FROM pg_inherits part JOIN pg_class child ON child.oid = part.inhrelid
    WHERE part.inhparent = to_regclass(:table) AND NOT EXISTS (
        SELECT FROM pg_index own JOIN pg_inherits of ON of.inhrelid = own.indexrelid
        WHERE own.indrelid = child.oid AND of.inhparent = to_regclass(:name))
    ORDER BY child.relname
"""


def create_concurrently(name: str, definition: str, *, unique: bool = False) -> None:
    """Build an index (`definition`: table, columns and condition) beside the writers.

    A build that was cut off leaves an invalid index behind, which is dropped first: so the migration can be run again.
    """
    kind = "UNIQUE INDEX" if unique else "INDEX"
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE {kind} CONCURRENTLY {name} ON {definition}")


def create_on_partitions(name: str, table: str, columns: Sequence[str]) -> None:
    """Build an index on a partitioned table beside the writers, a partition after the other.

    The table's own comes first: what is partitioned off meanwhile has it from its beginning. It counts once every
    partition has its part; these are called what PostgreSQL calls them. Can be run again after it was cut off.
    """
    with op.get_context().autocommit_block():
        op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON ONLY {table} ({', '.join(columns)})")
        partitions = op.get_bind().execute(text(_UNINDEXED), {"table": table, "name": name}).scalars().all()
        for partition in partitions:
            part = f"{partition}_{'_'.join(columns)}_idx"
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {part}")
            op.execute(f"CREATE INDEX CONCURRENTLY {part} ON {partition} ({', '.join(columns)})")
            op.execute(f"ALTER INDEX {name} ATTACH PARTITION {part}")


def drop_concurrently(name: str) -> None:
    """Drop an index beside the writers."""
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
