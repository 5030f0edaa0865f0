"""A scheduler's heartbeat, by which the pages know that there is one."""

from __future__ import annotations

import threading
from uuid import UUID

import psycopg
import structlog

from domain.queue.presence import beat, register, stop
from workers.connection import PlatformConnection
from workers.presence import HEARTBEAT_EVERY, resident_bytes, this_process

_log = structlog.get_logger(__name__)


class Attendance:
    """Runs in a thread of the scheduler. While the database is away, the others go on trying, and so does this."""

    def __init__(self, connection: PlatformConnection) -> None:
        self._connection = connection
        self._id: UUID | None = None

    def run(self, stopping: threading.Event) -> None:
        """Leave heartbeats until `stopping` is set, and say goodbye."""
        while True:
            try:
                self.tick()
            except psycopg.Error as error:
                _log.warning("heartbeat_failed", error=type(error).__name__)
            if stopping.wait(HEARTBEAT_EVERY):
                break
        try:
            self._leave()
        except psycopg.Error as error:
            _log.warning("goodbye_failed", error=type(error).__name__)
        self._connection.close()

    def tick(self) -> None:
        """Leave a heartbeat; register before the first one, and after another scheduler declared this one dead."""
        known = self._id
        if known is None or not self._connection.run(lambda c: beat(c, known, resident_bytes())):
            info = this_process("scheduler")
            self._connection.run(lambda c: register(c, info))
            self._id = info.id

    def _leave(self) -> None:
        if self._id is not None:
            left = self._id
            self._connection.run(lambda c: stop(c, [left]))
