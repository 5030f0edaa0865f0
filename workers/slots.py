"""How many jobs a worker process holds at once."""

from __future__ import annotations

import threading


class Slots:
    """A count of free places. One thread takes, many give back."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._free = capacity
        self._closed = False
        self._changed = threading.Condition()

    def wait_free(self, seconds: float) -> int:
        """Wait until a place is free and return how many are; 0 after `seconds`, or once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._free > 0 or self._closed, seconds)
            return 0 if self._closed else max(0, self._free)

    def take(self, count: int) -> None:
        """Occupy places that `wait_free` found."""
        with self._changed:
            self._free -= count

    def give_back(self, count: int = 1) -> None:
        """Free places."""
        with self._changed:
            self._free += count
            self._changed.notify()

    def close(self) -> None:
        """Find no place free any more: this worker stops."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether this worker takes no more jobs."""
        return self._closed
