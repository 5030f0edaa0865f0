"""How many jobs a worker process holds at once."""

from __future__ import annotations

import threading
from typing import Final

GATHER: Final = 0.002
"""Seconds for which a busy worker waits for more free places before it claims."""


class Slots:
    """A count of free places. One thread takes, many give back."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._free = capacity
        self._wanted = 1
        self._closed = False
        self._changed = threading.Condition()

    def wait_free(self, seconds: float) -> int:
        """Wait until a place is free and return how many are; 0 after `seconds`, or once closed.

        When some are taken, it waits a moment longer for more to become free: one claim for many jobs costs little more
        than a claim for one. A worker that is idle waits for nothing.
        """
        with self._changed:
            self._wait(1, seconds)
            if 0 < self._free < self.capacity:
                self._wait(self.capacity, GATHER)
            return 0 if self._closed else max(0, self._free)

    def wait_idle(self, seconds: float) -> bool:
        """Wait until all places are free; return whether they are. False at once when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._free == self.capacity or self._closed, seconds)
            return self._free == self.capacity and not self._closed

    def take(self, count: int) -> None:
        """Occupy places that `wait_free` found."""
        with self._changed:
            self._free -= count

    def give_back(self, count: int = 1) -> None:
        """Free places."""
        with self._changed:
            self._free += count
            if self._free >= self._wanted:
                self._changed.notify()

    def _wait(self, wanted: int, seconds: float) -> None:
        self._wanted = wanted
        self._changed.wait_for(lambda: self._free >= wanted or self._closed, seconds)

    def close(self) -> None:
        """Find no place free any more: this worker stops."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether this worker takes no more jobs."""
        return self._closed
