"""What was read for a page, kept for some seconds for everybody who may see the same."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, TypeVar, cast

MOST: Final = 500
T = TypeVar("T")


class Kept:
    """Values by key, the ones used longest ago given up first. Threads share it.

    Of those who ask for one thing at once, one reads it and the others wait.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[float, object]] = OrderedDict()
        self._reading: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, seconds: float, read: Callable[[], T]) -> T:
        """Return the value of a key if it is no older than `seconds`, else what `read` returns, and keep that."""
        with self._lock:
            found = self._fresh(key, seconds)
            reading = self._reading.setdefault(key, threading.Lock())
        if found is not None:
            return cast("T", found[1])
        with reading:
            with self._lock:
                found = self._fresh(key, seconds)
            if found is not None:
                return cast("T", found[1])
            try:
                value = read()
            except BaseException:
                with self._lock:
                    self._reading.pop(key, None)
                raise
            with self._lock:
                self._keep(key, value)
            return value

    def _fresh(self, key: Hashable, seconds: float) -> tuple[float, object] | None:
        found = self._values.get(key)
        if found is None or self._clock() - found[0] >= seconds:
            return None
        self._values.move_to_end(key)
        return found

    def _keep(self, key: Hashable, value: object) -> None:
        self._values[key] = (self._clock(), value)
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            given_up, _ = self._values.popitem(last=False)
            self._reading.pop(given_up, None)
