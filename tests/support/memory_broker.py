"""A broker in memory that keeps the promises of the port, and that can be wiped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from domain.queue.ports import Flow


class MemoryTransport:
    """Queues as lists. Not for several threads."""

    def __init__(self) -> None:
        self.entries: dict[str, list[str]] = defaultdict(list)
        self._pushed: dict[str, int] = defaultdict(int)
        self._waits: set[str] = set()
        self._windows: dict[str, int] = {}

    def push(self, queue: str, entries: Sequence[str], window: int, *, more: bool = False) -> int:
        """Append the first entries that keep the queue within `window`; return how many."""
        accepted = self._append(queue, entries, window)
        self.steer(queue, waits=more or accepted < len(entries), window=window)
        return accepted

    def offer(self, queue: str, entries: Sequence[str], window: int) -> int:
        """Append entries as a producer."""
        if queue in self._waits:
            return 0
        accepted = self._append(queue, entries, min(window, self._windows.get(queue, window)))
        if accepted < len(entries):
            self._waits.add(queue)
        return accepted

    def steer(self, queue: str, *, waits: bool | None = None, window: int | None = None) -> None:
        """Tell producers what they have to obey."""
        if waits:
            self._waits.add(queue)
        elif waits is False:
            self._waits.discard(queue)
        if window is not None:
            self._windows[queue] = window

    def flow(self, queues: Sequence[str]) -> Mapping[str, Flow]:
        """Return how queues move."""
        return {queue: Flow(self.depth(queue), self._pushed[queue]) for queue in queues}

    def depth(self, queue: str) -> int:
        """Return how many entries wait."""
        return len(self.entries[queue])

    def missing(self, queue: str, entries: Collection[str]) -> set[str]:
        """Return those of `entries` that the queue does not hold."""
        return set(entries).difference(self.entries[queue])

    def take(self, queue: str, limit: int) -> list[str]:
        """Take entries as a worker does, without waiting."""
        taken, self.entries[queue] = self.entries[queue][:limit], self.entries[queue][limit:]
        return taken

    def _append(self, queue: str, entries: Sequence[str], window: int) -> int:
        fitting = entries[: max(0, window - len(self.entries[queue]))]
        self.entries[queue].extend(fitting)
        self._pushed[queue] += len(fitting)
        return len(fitting)

    def wipe(self) -> None:
        """Lose everything."""
        for held in (self.entries, self._pushed, self._windows):
            held.clear()
        self._waits.clear()

    def receiver(self, *, longest_wait: float) -> _Receiver:
        """Open a consumer."""
        del longest_wait
        return _Receiver(self)

    def close(self) -> None:
        """Nothing is open."""


class _Receiver:
    def __init__(self, transport: MemoryTransport) -> None:
        self._transport = transport

    def receive(self, queues: Sequence[str], limit: int, wait: float) -> Sequence[str]:
        """Take what is there."""
        del wait
        return next((taken for queue in queues if (taken := self._transport.take(queue, limit))), [])

    def rest(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""


class SilentBell:
    """A bell that nobody hears."""

    def ring(self) -> None:
        """Do nothing."""

    def wait(self, seconds: float) -> bool:
        """Return at once."""
        del seconds
        return False
