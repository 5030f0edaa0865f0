"""The queues as an operator sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from domain.kernel.database import raw_connection
from domain.kernel.errors import NotFoundError
from domain.queue.models import Queue
from domain.queue.names import QUEUES
from domain.queue.stats import depths

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """A queue: why it is paused, since when it drains, its jobs by state, and how long the first due one waits (s).

    `because` is the reason of a pause, or of the pause that a draining ends in. `due_seconds`: for how long the oldest
    job has been due whose time has come and that no dispatcher has taken up.
    """

    name: str
    paused_at: datetime | None
    because: str | None
    draining_at: datetime | None
    jobs: Mapping[str, int]
    oldest_seconds: float
    due_seconds: float


def queue_statuses(session: Session) -> Sequence[QueueStatus]:
    """Return all queues, in the order in which workers prefer them. In a platform scope."""
    measured = depths(raw_connection(session))
    queues = {queue.name: queue for queue in session.scalars(select(Queue))}
    return [
        QueueStatus(
            name=name,
            paused_at=queues[name].paused_at,
            because=queues[name].paused_because,
            draining_at=queues[name].draining_at,
            jobs={depth.state: depth.jobs for depth in measured if depth.queue == name},
            oldest_seconds=max(
                (depth.oldest_seconds for depth in measured if depth.queue == name and depth.state == "available"),
                default=0.0,
            ),
            due_seconds=max(
                (
                    depth.oldest_seconds
                    for depth in measured
                    if depth.queue == name and depth.state in {"scheduled", "retryable"}
                ),
                default=0.0,
            ),
        )
        for name in QUEUES
        if name in queues
    ]


def queue_status(session: Session, name: str) -> QueueStatus:
    """Return one queue. Raises NotFoundError."""
    for status in queue_statuses(session):
        if status.name == name:
            return status
    raise NotFoundError(f"There is no queue {name!r}. There are: {', '.join(QUEUES)}.")
