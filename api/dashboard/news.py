"""What open pages have to look at again: signals of all processes, and a few cheap looks at what nobody signals.

One poller a process, shared by all streams, and only while there is one. It says that there is news, never which, and
to each stream only of what its reader may see.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from domain.clients.versions import client_versions
from domain.kernel.database import raw_connection
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.notices.versions import notice_versions
from domain.queue.versions import queue_versions
from domain.statistics.ports import Change

if TYPE_CHECKING:
    from api.signals import Signals
    from domain.access.authorize import Reach
    from domain.kernel.database import Database

LOOK_EVERY: Final = 2.0
ANYWAY_EVERY: Final = 60.0
"""Seconds after which pages look even without news, since a signal may be lost."""
ANYWAY_WITHOUT_SIGNALS: Final = 10.0
_log = structlog.get_logger(__name__)

Versions = Mapping[Change, object]


class Reader:
    """One open stream: the topics that its page shows, and how far its reader may see each."""

    def __init__(self, org_id: UUID | None, allowed: Mapping[str, Reach]) -> None:
        self.org_id = org_id
        self.allowed = allowed
        self._pending: set[str] = set()
        self._event = asyncio.Event()

    def tell(self, change: Change) -> None:
        """Wake the stream if the change is of something that it shows, and that its reader may see."""
        if self._may_hear(change):
            self._pending.add(change.topic)
            self._event.set()

    def tell_anything(self) -> None:
        """Have all topics looked at."""
        self._pending.update(self.allowed)
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait for news, no longer than `seconds`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)

    def take(self) -> Sequence[str]:
        """Return, once, the topics there is news of."""
        topics, self._pending = sorted(self._pending), set()
        self._event.clear()
        return topics

    def _may_hear(self, change: Change) -> bool:
        within = self.allowed.get(change.topic)
        if within is None:
            return False
        if within.everywhere and (self.org_id is None or change.org_id == PLATFORM_ORG_ID):
            return True
        return change.org_id == self.org_id and (within.clients is None or change.client_id in within.clients)


class News:
    """Tells readers. Lives on one event loop."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals
        self._readers: set[Reader] = set()
        self._poller: asyncio.Task[None] | None = None
        self._anyway_at = 0.0

    def start(self) -> None:
        """Take signals from now on."""
        self._signals.hear(self.take)

    @property
    def looking(self) -> bool:
        """Whether anybody reads, so that the database is asked."""
        return self._poller is not None

    async def close(self) -> None:
        """Stop looking."""
        self._stop()

    @contextmanager
    def read_by(self, reader: Reader) -> Iterator[None]:
        """Tell a reader while the block lasts."""
        self._readers.add(reader)
        if self._poller is None:
            self._anyway_at = time.monotonic()
            self._poller = asyncio.create_task(self._poll(), name="news")
        try:
            yield
        finally:
            self._readers.discard(reader)
            if not self._readers:
                self._stop()

    def take(self, content: bytes | None) -> None:
        """Take a signal; None, or what cannot be read, may be anything."""
        changes = _changes(content)
        if not changes:
            self._tell_anything()
        self.tell(changes)

    def tell(self, changes: Collection[Change]) -> None:
        """Tell all readers whom changes concern."""
        for change in changes:
            for reader in self._readers:
                reader.tell(change)

    def _stop(self) -> None:
        poller, self._poller = self._poller, None
        if poller is not None:
            poller.cancel()

    async def _poll(self) -> None:
        known: Versions | None = None
        while True:
            known = await self._look(known)
            anyway = ANYWAY_EVERY if self._signals.connected else ANYWAY_WITHOUT_SIGNALS
            if time.monotonic() - self._anyway_at >= anyway:
                self._tell_anything()
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self, known: Versions | None) -> Versions | None:
        try:
            found = await run_in_threadpool(self._versions)
        except (SQLAlchemyError, psycopg.Error) as error:
            _log.warning("news_not_read", error=type(error).__name__)
            return known
        if known is not None:
            self.tell([change for change in found.keys() | known.keys() if found.get(change) != known.get(change)])
        return found

    def _versions(self) -> Versions:
        with self._database.platform_scope() as session:
            connection = raw_connection(session)
            found: dict[Change, object] = {
                Change(topic, PLATFORM_ORG_ID): version for topic, version in queue_versions(connection).items()
            }
            for of, version in notice_versions(connection).items():
                found[Change("notices", *of)] = version
            for whose, changed_at in client_versions(connection).items():
                found[Change("clients", *whose)] = changed_at
        return found

    def _tell_anything(self) -> None:
        self._anyway_at = time.monotonic()
        for reader in self._readers:
            reader.tell_anything()


def _changes(content: bytes | None) -> Collection[Change]:
    try:
        return [
            Change(str(topic), UUID(org_id), UUID(client_id) if client_id else None)
            for topic, org_id, client_id in json.loads(content or b"[]")
        ]
    except (ValueError, TypeError, AttributeError):
        return []
