"""A process's thread that writes what was counted, and lets open pages know that there is something new."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import structlog
from psycopg import DataError, ProgrammingError

from domain.statistics.ports import STATISTICS, Change, Tell
from domain.statistics.store import write

if TYPE_CHECKING:
    from domain.kernel.database import Database
    from domain.statistics.figures import Counts
    from domain.statistics.tally import Tally

WRITE_EVERY: Final = 5.0
"""Seconds of statistics that a process loses when it is killed."""
TELL_EVERY: Final = 1.0
_LAST_WRITE: Final = 3.0
"""Seconds that a process which stops waits for its thread."""
_log = structlog.get_logger(__name__)


def tell_nobody(_changes: Collection[Change]) -> None:
    """Let nobody know."""


class Flusher:
    """Writes the counts of a tally every few seconds, and once more when it is closed or told to stop.

    What the database does not take for being away is kept and written later; what it refuses is dropped, and logged.
    """

    def __init__(
        self, tally: Tally, database: Database, tell: Tell = tell_nobody, *, every: float = WRITE_EVERY
    ) -> None:
        self._tally = tally
        self._database = database
        self._tell = tell
        self._every = every
        # Not all processes at once.
        self._written_at = time.monotonic() - random.random() * every  # noqa: S311
        self._away = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread = threading.Thread(target=self.run, args=(self._stopping,), name="statistics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is left, and end. The database's connections have to be open until then."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_LAST_WRITE)

    def run(self, stopping: threading.Event) -> None:
        """Write and tell until `stopping` is set, and then write what is left."""
        while not stopping.wait(TELL_EVERY):
            self.tick()
        self.flush()

    def tick(self) -> None:
        """Tell of what changed in the last second; write, if it is time."""
        self._tell_of(self._tally.take_changes())
        if time.monotonic() - self._written_at >= self._every:
            self._written_at = time.monotonic()
            self.flush()

    def flush(self) -> bool:
        """Write all counts; return False when they have to wait because the database is away."""
        counts = self._tally.take()
        dropped = self._tally.take_dropped()
        if dropped:
            _log.warning("statistics_not_counted", times=dropped)
        if not counts:
            return True
        try:
            with self._database.platform_scope() as session:
                write(session, counts)
        except (DataError, ProgrammingError) as error:
            _log.error("statistics_refused", error=type(error).__name__)
        except Exception as error:  # noqa: BLE001  whatever it is, it passes or repeats; nobody waits for statistics
            return self._keep(counts, error)
        else:
            self._tell_of(_news(counts))
        self._away = False
        return True

    def _keep(self, counts: Counts, error: Exception) -> bool:
        if not self._away:
            _log.warning("statistics_delayed", error=type(error).__name__)
        self._away = True
        self._tally.give_back(counts)
        return False

    def _tell_of(self, changes: Collection[Change]) -> None:
        if changes:
            self._tell(changes)


def _news(counts: Counts) -> set[Change]:
    of_jobs = {Change(STATISTICS, key.org_id) for key in counts.jobs}
    return of_jobs | {Change(STATISTICS, key.org_id, key.client_id) for key in counts.activities}
