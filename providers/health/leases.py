"""Leases in Redis, kept for as long as this process lives, so that what a killed one held is soon free."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

LEASE_SECONDS: Final = 10.0
"""What a process that is gone held is free again after this. A fifth of it passes between renewals, so that a Redis
which is left alone for a while after a failure costs no lease."""


class Leases:
    """How long leases last, and a thread that renews them, begun when there is the first to keep."""

    def __init__(self, seconds: float = LEASE_SECONDS) -> None:
        self.seconds = seconds
        self._renewals: list[Callable[[], None]] = []
        self._stopping = threading.Event()
        self._begun = threading.Lock()

    def renew_by(self, renewal: Callable[[], None]) -> None:
        """Have this called at each renewal; it must not raise."""
        self._renewals.append(renewal)

    def keep(self) -> None:
        """Say that there is something to keep."""
        if self._begun.acquire(blocking=False):
            threading.Thread(target=self._work, name="lease-renewal", daemon=True).start()

    def close(self) -> None:
        """Keep nothing any more."""
        self._stopping.set()

    def _work(self) -> None:
        while not self._stopping.wait(self.seconds / 5):
            for renewal in self._renewals:
                renewal()
