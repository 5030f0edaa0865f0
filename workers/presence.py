"""The heartbeat of a worker process."""

from __future__ import annotations

import os
import resource
import socket
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
import structlog

from domain.kernel.ids import new_id
from domain.queue.presence import Role, WorkerInfo, beat, register, stop
from workers.connection import PlatformConnection
from workers.database_clock import DatabaseClock

HEARTBEAT_EVERY: Final = 3.0
_STATM: Final = Path("/proc/self/statm")
_log = structlog.get_logger(__name__)


class Presence:
    """Registers this process, leaves its heartbeats, and registers anew when it was declared dead meanwhile.

    With each heartbeat `clock` is set by the database's.
    """

    def __init__(
        self, connection: PlatformConnection, *, queues: Sequence[str], threads: int, clock: DatabaseClock | None = None
    ) -> None:
        self._connection = connection
        self._clock = clock or DatabaseClock()
        self._queues = queues
        self._threads = threads
        self._stopping = threading.Event()
        self.worker_id: UUID = self._register()
        self._thread = threading.Thread(target=self._work, name="presence", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Say that this worker has stopped. What it still ran is rescued by others."""
        self._stopping.set()
        self._thread.join(HEARTBEAT_EVERY + 1)
        try:
            self._connection.run(lambda c: stop(c, [self.worker_id]))
        except psycopg.Error as error:
            _log.warning("goodbye_failed", error=type(error).__name__)
        self._connection.close()

    def _register(self) -> UUID:
        info = this_process("worker", self._queues, self._threads)
        self._connection.run(lambda c: register(c, info))
        self._connection.run(self._clock.read)
        return info.id

    def _work(self) -> None:
        while not self._stopping.wait(HEARTBEAT_EVERY):
            try:
                if not self._connection.run(lambda c: beat(c, self.worker_id, resident_bytes())):
                    _log.error("declared_dead", worker_id=str(self.worker_id))
                    self.worker_id = self._register()
                else:
                    self._connection.run(self._clock.read)
            except psycopg.Error as error:
                _log.warning("heartbeat_failed", error=type(error).__name__)


def this_process(role: Role, queues: Sequence[str] = (), threads: int = 0) -> WorkerInfo:
    """Return what this process says of itself when it registers, under a new id."""
    return WorkerInfo(
        id=new_id(),
        hostname=socket.gethostname(),
        pid=os.getpid(),
        queues=queues,
        threads=threads,
        version=version("gatehouse"),
        role=role,
        rss_bytes=resident_bytes(),
    )


def resident_bytes() -> int:
    """Return how much memory this process holds now; where the system does not say that, the most it ever held."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
