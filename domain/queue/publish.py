"""Hand freshly committed jobs to the broker from the process that enqueued them."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from domain.queue.ports import Bell, BrokerUnavailableError, Transport, entry

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.kernel.database import Database

FULL_PAUSE: Final = 0.25
DOWN_PAUSE: Final = 1.0
"""Seconds for which a full or unreachable broker is not tried again by producers; the dispatcher fills it meanwhile."""

_PUBLISHER: Final = "gatehouse.publisher"
_QUEUED: Final = "gatehouse.queued"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that was marked as handed to the broker in the transaction that made it."""

    id: UUID
    kind: str
    queue: str


@dataclass(slots=True)
class _Queued:
    """What a transaction enqueued: jobs to push, and whether any was left to the dispatcher."""

    jobs: list[QueuedJob] = field(default_factory=list)
    left: bool = False


class Publisher:
    """Pushes committed jobs while the broker has room, and rings for the dispatcher otherwise. Thread-safe.

    `unmark` takes the mark off jobs that could not be pushed, so that the dispatcher finds them at once; should it fail
    as well, they are found by their age.
    """

    def __init__(
        self, transport: Transport, bell: Bell, *, window: int, unmark: Callable[[Sequence[UUID]], None]
    ) -> None:
        self._transport = transport
        self._bell = bell
        self._window = window
        self._unmark = unmark
        self._closed_until: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    def has_room(self, queue: str) -> bool:
        """Return whether a push to `queue` is worth trying now."""
        return time.monotonic() >= self._closed_until[queue]

    def publish(self, jobs: Sequence[QueuedJob]) -> None:
        """Push jobs that are committed. Never raises: what cannot be pushed is left to the dispatcher."""
        by_queue: dict[str, list[QueuedJob]] = defaultdict(list)
        for job in jobs:
            by_queue[job.queue].append(job)
        rejected = [job.id for queue, batch in by_queue.items() for job in self._push(queue, batch)]
        if rejected:
            self._take_marks_off(rejected)

    def ring(self) -> None:
        """Tell the dispatcher that jobs wait for it."""
        self._bell.ring()

    def after_commit(self, info: MutableMapping[Any, Any]) -> None:
        """Commit hook of `Database`: push what the transaction marked, ring for what it left to the dispatcher."""
        queued: _Queued | None = info.pop(_QUEUED, None)
        if queued is None:
            return
        if queued.jobs:
            self.publish(queued.jobs)
        if queued.left:
            self.ring()

    def _push(self, queue: str, jobs: Sequence[QueuedJob]) -> Sequence[QueuedJob]:
        try:
            accepted = self._transport.offer(queue, [entry(job.kind, job.id) for job in jobs], self._window)
        except BrokerUnavailableError:
            self._close(queue, DOWN_PAUSE)
            _log.warning("broker_unavailable", queue=queue, jobs=len(jobs))
            return jobs
        if accepted < len(jobs):
            self._close(queue, FULL_PAUSE)
        return jobs[accepted:]

    def _close(self, queue: str, seconds: float) -> None:
        with self._lock:
            self._closed_until[queue] = time.monotonic() + seconds

    def _take_marks_off(self, ids: Sequence[UUID]) -> None:
        try:
            self._unmark(ids)
        except Exception as error:  # noqa: BLE001  the jobs are safe in their rows; the dispatcher finds them by age
            _log.warning("unmark_failed", jobs=len(ids), error=type(error).__name__)
        self._bell.ring()


def publish_through(database: Database, publisher: Publisher) -> None:
    """Make `enqueue` in every scope of `database` push through `publisher` after its commit."""
    database.on_commit(publisher.after_commit, **{_PUBLISHER: publisher})


def publisher_of(session: Session) -> Publisher | None:
    """Return the publisher of a session's database, if this process pushes at all."""
    return session.info.get(_PUBLISHER)


def remember(session: Session, queued: Sequence[QueuedJob], *, left: bool | None = None) -> None:
    """Note what the commit hook has to push, and whether jobs wait for the dispatcher (None: if none is pushed)."""
    waiting: _Queued = session.info.setdefault(_QUEUED, _Queued())
    waiting.jobs.extend(queued)
    waiting.left = waiting.left or (not queued if left is None else left)
