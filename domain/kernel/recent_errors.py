"""What went wrong in this process lately, by part of the system: for the health page, which asks all processes.

Kept in memory, a few values a part, so that noting an error costs no call to anything that may be what is broken.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from config.telemetry import ERRORS, begin_at_zero
from domain.kernel.redaction import redact_text

Part = Literal["jobs", "http", "providers", "database", "redis", "spool", "dispatcher"]
"""Where an error came up: in a job's actor, in a request, in a call to a provider, at one of our own servers, …"""
PARTS: Final[tuple[Part, ...]] = get_args(Part)
MINUTES: Final = 15
"""For how long errors are counted."""
LONGEST: Final = 300
begin_at_zero(ERRORS, ((part,) for part in PARTS))


@dataclass(frozen=True, slots=True)
class LastError:
    """The last error of a part: its class, its first line redacted, when (Unix time), and how many there were a minute.

    `minutes` are numbers of minutes since 1970.
    """

    error_class: str
    words: str
    at: float
    minutes: Mapping[int, int]

    def recent(self, now: float) -> int:
        """Return how many there were in the last minutes."""
        first = int(now // 60) - MINUTES + 1
        return sum(times for minute, times in self.minutes.items() if minute >= first)


class RecentErrors:
    """The errors of one process. Thread-safe. `changed` is set at each error, for whoever passes them on."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.changed = threading.Event()
        self._clock = clock
        self._lock = threading.Lock()
        self._parts: dict[Part, tuple[str, str, float]] = {}
        self._minutes: dict[Part, Counter[int]] = {part: Counter() for part in PARTS}

    def note(self, part: Part, error: BaseException) -> None:
        """Keep an error as the last one of its part, and count it."""
        now = self._clock()
        minute = int(now // 60)
        words = redact_text(str(error).partition("\n")[0][:LONGEST])
        with self._lock:
            self._parts[part] = type(error).__name__, words, now
            counted = self._minutes[part]
            counted[minute] += 1
            if len(counted) > MINUTES:
                for old in [one for one in counted if not minute - MINUTES < one <= minute]:
                    del counted[old]
        self.changed.set()

    def standing(self) -> Mapping[Part, LastError]:
        """Return the last error of each part that had one."""
        with self._lock:
            return {part: LastError(*last, dict(self._minutes[part])) for part, last in self._parts.items()}


RECENT: Final = RecentErrors()
"""What `note_error` fills, in this process."""


def note_error(part: Part, error: BaseException) -> None:
    """Note an error of this process that nobody expected, or that a server of ours caused. Never raises."""
    ERRORS.labels(part).inc()
    RECENT.note(part, error)
