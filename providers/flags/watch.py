"""Keep a process's flags current: a thread that looks into the database, and one that is told by Redis when to.

Redis' messages make a change be seen in milliseconds. They may be lost (Redis away, or whoever changed a flag killed
between commit and message), so the database is asked twice a second in any case: one row of two sums over a table of a
few dozen rows, some 0.1 ms of the server's time. Twenty processes cost it forty such questions a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import psycopg
import structlog
from redis.exceptions import RedisError

from providers.brokers.redis import connect
from providers.flags.telling import CHANNEL

if TYPE_CHECKING:
    from domain.flags.ports import FlagState
    from providers.flags.table import FlagTable

LOOK_EVERY: Final = 0.5
"""Seconds between two looks without a message: a change is in force within this and the time of two small queries."""
_LISTEN_FOR: Final = 0.1
"""Seconds after which the listener sees that it is to stop."""
_AGAIN_AFTER: Final = 1.0
_JOIN_SECONDS: Final = 5.0
_log = structlog.get_logger(__name__)


class FlagWatch:
    """Calls `put` with all flags at the start and after every change; `stale` when they can't be read any more."""

    def __init__(
        self,
        table: FlagTable,
        redis_url: str,
        *,
        put: Callable[[Mapping[str, FlagState]], None],
        stale: Callable[[str], None],
    ) -> None:
        self._table = table
        self._redis_url = redis_url
        self._put = put
        self._stale = stale
        self._version: tuple[int, int] | None = None
        self._away = False
        self._read = threading.Event()
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Read the flags once, which takes two seconds at most when the database is away, and go on by itself."""
        self._look()
        for name, run in (("flags-look", self._run), ("flags-listen", self._listen)):
            thread = threading.Thread(target=run, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Stop looking and listening."""
        self._stopping.set()
        self._bell.set()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)
        self._table.close()

    def wait_read(self, seconds: float) -> bool:
        """Wait until the flags have been read once; return whether they were."""
        return self._read.wait(seconds)

    def look_now(self) -> None:
        """Look at once rather than in half a second."""
        self._bell.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._bell.wait(LOOK_EVERY)
            self._bell.clear()
            if self._stopping.is_set():
                return
            try:
                self._look()
            except Exception:  # noqa: BLE001 - whatever it is, the next change must still be seen
                _log.exception("flags.look_failed")

    def _look(self) -> None:
        try:
            # The version first: what is committed between the two is then read once too often rather than never.
            version = self._table.version()
            if version != self._version:
                self._put(self._table.read())
                self._version = version
                self._read.set()
        except psycopg.Error as error:
            if not self._away:
                _log.warning("flags.unread", error=type(error).__name__, kept=self._version is not None)
                self._stale(f"The database does not answer ({type(error).__name__}).")
            self._away = True
            return
        if self._away:
            _log.info("flags.read_again")
            self._away, self._version = False, None
            self._bell.set()

    def _listen(self) -> None:
        said = False
        while not self._stopping.is_set():
            try:
                self._hear()
                said = False
            except (RedisError, OSError) as error:
                if not said:
                    _log.warning("flags.unheard", error=type(error).__name__)
                said = True
                self._stopping.wait(_AGAIN_AFTER)

    def _hear(self) -> None:
        client = connect(self._redis_url)
        try:
            with client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                subscription.subscribe(CHANNEL)
                self._bell.set()  # Whatever was changed while nobody listened.
                while not self._stopping.is_set():
                    message = cast("dict[str, Any] | None", subscription.get_message(timeout=_LISTEN_FOR))
                    if message is not None:
                        self._bell.set()
        finally:
            client.close()
