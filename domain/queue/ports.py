"""What the queue needs of a broker: shallow lists of ids. Nothing that a broker loses is lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.kernel.errors import GatehouseError


class BrokerUnavailableError(GatehouseError):
    """The broker cannot be reached; jobs stay in PostgreSQL and are handed over when it is back."""


@dataclass(frozen=True, slots=True)
class Flow:
    """How a queue in the broker moves: entries that wait now, and how many were ever pushed by anybody.

    `pushed` is None for a broker that does not count. It starts again when the broker is wiped.
    """

    depth: int
    pushed: int | None


class Receiver(Protocol):
    """One worker's consumer. Belongs to one thread."""

    def receive(self, queues: Sequence[str], limit: int, wait: float) -> Sequence[str]:
        """Take up to `limit` entries, waiting up to `wait` seconds for the first. Raises BrokerUnavailableError.

        Where the broker can prefer, the queue named first is emptied first.
        """
        ...

    def rest(self) -> None:
        """Hold nothing that another worker could run: this one is busy. Raises BrokerUnavailableError."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


class Transport(Protocol):
    """Carries entries (`"<kind> <job id>"`) from producers and dispatcher to workers. Thread-safe."""

    def push(self, queue: str, entries: Sequence[str], window: int, *, more: bool = False) -> int:
        """Append the first entries that keep the queue within `window`; return how many. For the dispatcher.

        Tells producers what `steer` tells them: whether `more` waits beyond these. Raises BrokerUnavailableError.
        """
        ...

    def offer(self, queue: str, entries: Sequence[str], window: int) -> int:
        """Append entries as a producer: within `window` and the dispatcher's own, and none while others wait.

        Returns how many. Where not all fit, the rest waits, and nobody's offer is taken until the dispatcher has looked
        (or a moment has passed without one): what comes later does not overtake what waits. A broker that cannot tell
        leaves half the window to the dispatcher. Raises BrokerUnavailableError.
        """
        ...

    def steer(self, queue: str, *, waits: bool | None = None, window: int | None = None) -> None:
        """Tell producers whether jobs wait for the dispatcher, and how far they may fill the queue; None: as before.

        Forgotten after a few seconds, so that producers go on alone without a dispatcher. Raises
        BrokerUnavailableError.
        """
        ...

    def flow(self, queues: Sequence[str]) -> Mapping[str, Flow]:
        """Return how queues move. Raises BrokerUnavailableError."""
        ...

    def depth(self, queue: str) -> int:
        """Return how many entries wait. Raises BrokerUnavailableError."""
        ...

    def missing(self, queue: str, entries: Collection[str]) -> set[str]:
        """Return those of `entries` that the broker no longer holds. Raises BrokerUnavailableError.

        A broker that cannot be searched answers with all of them when it holds fewer, and none otherwise.
        """
        ...

    def receiver(self, *, longest_wait: float) -> Receiver:
        """Open a consumer whose `receive` waits at most `longest_wait` seconds."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class Bell(Protocol):
    """Wakes the dispatcher, so that it need not poll often. Losing a ring costs a moment, never a job."""

    def ring(self) -> None:
        """Wake the dispatcher; quiet when nobody listens or the server is down."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait for a ring; return whether there was one. Waits the time out when the server is down."""
        ...


def entry(kind: str, job_id: object) -> str:
    """Return a job's entry on the wire."""
    return f"{kind} {job_id}"
