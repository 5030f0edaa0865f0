"""Let a process that enqueues jobs hand them to the broker itself."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.kernel.database import Database, raw_connection
from domain.queue.dispatch import unmark
from domain.queue.ports import Bell, Transport
from domain.queue.publish import Publisher, publish_through


def publish_from(database: Database, transport: Transport, bell: Bell, *, window: int) -> Publisher:
    """Make every scope of `database` push the jobs that it enqueued, once they are committed."""

    def take_marks_off(ids: Sequence[UUID]) -> None:
        with database.platform_scope() as session:
            unmark(raw_connection(session), ids)

    publisher = Publisher(transport, bell, window=window, unmark=take_marks_off)
    publish_through(database, publisher)
    return publisher
