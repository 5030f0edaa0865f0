"""How many ids of a queue the broker should hold: about what its workers take in a second.

A window of 256 ids keeps quick jobs flowing; of jobs that take seconds it would be minutes of work, and whoever comes
next would wait behind all of it. So the window follows what was drained lately, between what keeps every worker busy
and what the settings allow.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Final

from domain.queue.ports import Flow

LEAST: Final = 8
PER_THREAD: Final = 2
"""Ids for each thread that works on the queue: one that it takes next, and one while the next batch is on its way."""
HORIZON: Final = 1.0
SPACING: Final = 0.05
SHORTEST: Final = 0.1
LONGEST: Final = 2.0
"""Seconds: worth of work that the broker should hold; between two samples; over which draining is measured."""


class Windows:
    """The windows of all queues, from samples of how they move. `most`: what the settings allow."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._threads: Mapping[str, int] = {}
        self._samples: dict[str, deque[tuple[float, int]]] = defaultdict(deque)
        self._uncounted: set[str] = set()

    def staff(self, threads: Mapping[str, int]) -> None:
        """Note how many threads work on each queue."""
        self._threads = threads

    def observe(self, queue: str, flow: Flow, now: float) -> None:
        """Take a sample at `now` (seconds of a monotonic clock)."""
        if flow.pushed is None:
            self._uncounted.add(queue)
            return
        samples, drained = self._samples[queue], flow.pushed - flow.depth
        if samples and drained < samples[-1][1]:
            samples.clear()  # the broker was wiped, and counts from the start
        if not samples or now - samples[-1][0] >= SPACING:
            samples.append((now, drained))
        while now - samples[0][0] > LONGEST:
            samples.popleft()

    def of(self, queue: str) -> int:
        """Return how many ids the broker should hold of a queue."""
        if queue in self._uncounted:
            return self._most
        threads = self._threads.get(queue, 0)
        wanted = max(LEAST, PER_THREAD * threads, int(self._rate(queue, threads) * HORIZON))
        return min(self._most, wanted)

    def _rate(self, queue: str, threads: int) -> float:
        """Return the most that was drained in a second lately, beyond what filled idle threads."""
        samples = self._samples[queue]
        if not samples:
            return 0.0
        now, drained = samples[-1]
        recent = next((one for one in reversed(samples) if now - one[0] >= SHORTEST), samples[0])
        return max((drained - before - threads) / max(SHORTEST, now - since) for since, before in (samples[0], recent))
