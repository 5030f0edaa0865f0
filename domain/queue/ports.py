"""What the queue needs of a broker: shallow lists of ids. Nothing that a broker loses is lost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from domain.kernel.errors import GatehouseError


class BrokerUnavailableError(GatehouseError):
    """The broker cannot be reached; jobs stay in PostgreSQL and are handed over when it is back."""


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

    def push(self, queue: str, entries: Sequence[str], window: int) -> int:
        """Append the first entries that keep the queue within `window`; return how many.

        Raises BrokerUnavailableError.
        """
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
