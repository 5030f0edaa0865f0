"""Forget what is older than anybody looks at."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

from domain.statistics.steps import KEPT

if TYPE_CHECKING:
    import psycopg

BATCH: Final = 20_000
"""Rows that one statement deletes."""
_TABLES: Final = ("job_statistics", "platform_job_statistics", "activity_statistics", "platform_activity_statistics")
# In the words of the index for it. What lies ahead was counted while a clock was wrong; it would else stay for as long
# as that clock was ahead.
_OVER: Final = (
    "< (now() - %(kept)s) AT TIME ZONE 'UTC'",
    "> (now() + interval '1 day') AT TIME ZONE 'UTC'",
)
_DELETE: Final = """
    DELETE FROM {table} WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM {table}
        WHERE step = %(step)s AND at AT TIME ZONE 'UTC' {over} LIMIT %(batch)s
    ))
"""


def prune(connection: psycopg.Connection[Any], *, batch: int = BATCH) -> int:
    """Delete counts whose time is over; return how many rows that were. As the platform's role."""
    pruned = 0
    for table, over, step in product(_TABLES, _OVER, KEPT):
        statement = _DELETE.format(table=table, over=over).encode()
        deleted = batch
        while deleted == batch:
            parameters = {"step": step.value, "kept": KEPT[step], "batch": batch}
            deleted = connection.execute(statement, parameters).rowcount
            pruned += deleted
    return pruned
