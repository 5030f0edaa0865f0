"""End the draining of queues in which nothing waits or runs any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import psycopg

# First the queue is paused, once nothing waits or runs; a job that was claimed in that moment goes on, so the draining
# is over only when a later look finds nothing that runs. The condition on `queued_at` is both halves of what the two
# indexes of waiting jobs hold.
_PAUSE: Final = """
    UPDATE queues SET paused_at = now()
    WHERE draining_at IS NOT NULL AND paused_at IS NULL
        AND NOT EXISTS (SELECT FROM jobs WHERE queue = queues.name AND state = 'available' AND queued_at IS NULL)
        AND NOT EXISTS (SELECT FROM jobs WHERE queue = queues.name AND state = 'available' AND queued_at IS NOT NULL)
        AND NOT EXISTS (SELECT FROM jobs WHERE queue = queues.name AND state = 'executing')
"""
_END: Final = """
    UPDATE queues SET draining_at = NULL
    WHERE draining_at IS NOT NULL AND paused_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM jobs WHERE queue = queues.name AND state = 'executing')
    RETURNING name
"""


def complete_drains(connection: psycopg.Connection[Any]) -> Sequence[str]:
    """Pause queues that drained, and return those whose draining is over. `connection` is in autocommit."""
    if connection.execute("SELECT FROM queues WHERE draining_at IS NOT NULL LIMIT 1").fetchone() is None:
        return []
    connection.execute(_PAUSE)
    return [row[0] for row in connection.execute(_END)]
