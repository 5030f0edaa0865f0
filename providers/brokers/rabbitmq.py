"""Job ids over RabbitMQ. Messages are transient and unconfirmed: the truth is in PostgreSQL."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from domain.queue.ports import BrokerUnavailableError, Flow

_PREFIX: Final = "gatehouse."
_PREFETCH: Final = 16
_HEARTBEAT: Final = 30
T = TypeVar("T")


class _Channel:
    """A channel that is opened when needed and again after a failure. Not thread-safe."""

    def __init__(self, url: str) -> None:
        self._parameters = pika.URLParameters(url)
        self._parameters.heartbeat = _HEARTBEAT
        self._parameters.socket_timeout = self._parameters.stack_timeout = (
            self._parameters.blocked_connection_timeout
        ) = 5
        self._parameters.connection_attempts = 1
        self._connection: pika.BlockingConnection | None = None
        self._channel: BlockingChannel | None = None
        self._declared: set[str] = set()

    def use(self, action: Callable[[BlockingChannel], T], *, again: bool = True) -> T:
        """Run `action` on the open channel; once more on a new one if that fails. Raises BrokerUnavailableError."""
        try:
            return action(self._open())
        except (AMQPError, OSError) as error:
            self.close()
            if again:
                return self.use(action, again=False)
            raise BrokerUnavailableError(f"RabbitMQ cannot be reached ({type(error).__name__}).") from error

    def declare(self, channel: BlockingChannel, queue: str) -> str:
        """Make sure that a queue exists; return its name on the server."""
        name = _PREFIX + queue
        if name not in self._declared:
            channel.queue_declare(name, durable=True)
            self._declared.add(name)
        return name

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        connection, self._connection, self._channel = self._connection, None, None
        self._declared.clear()
        if connection is not None and connection.is_open:
            try:
                connection.close()
            except (AMQPError, OSError):
                return

    @property
    def is_open(self) -> bool:
        """Whether the channel that is held can be used."""
        return self._channel is not None and bool(self._channel.is_open)

    def _open(self) -> BlockingChannel:
        if self._channel is None or not self._channel.is_open:
            self.close()
            self._connection = pika.BlockingConnection(self._parameters)
            self._channel = self._connection.channel()
        return self._channel


class RabbitReceiver:
    """Takes ids from all its queues over one channel."""

    def __init__(self, url: str) -> None:
        self._channel = _Channel(url)
        self._held: deque[tuple[int, str]] = deque()
        self._tags: list[str] = []
        self._cancelled = False

    def receive(self, queues: Sequence[str], limit: int, wait: float) -> Sequence[str]:
        """Take up to `limit` entries, waiting up to `wait` seconds for the first. Raises BrokerUnavailableError."""
        if self._cancelled:
            self._channel.close()
        if not self._channel.is_open:
            self._held.clear()
            self._tags.clear()
            self._cancelled = False
        return self._channel.use(lambda channel: self._receive(channel, queues, limit, wait), again=False)

    def rest(self) -> None:
        """Give back what was delivered ahead and stop deliveries: the worker is busy, another may be idle."""
        if self._channel.is_open:
            self._channel.use(self._rest, again=False)

    def close(self) -> None:
        """Close the connection; what was delivered ahead goes back."""
        self._channel.close()

    def _receive(self, channel: BlockingChannel, queues: Sequence[str], limit: int, wait: float) -> list[str]:
        if not self._tags:
            channel.basic_qos(prefetch_count=_PREFETCH)
            channel.add_on_cancel_callback(self._on_cancel)
            names = [self._channel.declare(channel, queue) for queue in queues]
            self._tags = [channel.basic_consume(name, self._deliver) for name in names]
        if not self._held:
            channel.connection.process_data_events(wait)
        taken = [self._held.popleft() for _ in range(min(limit, len(self._held)))]
        for tag, _ in taken:
            channel.basic_ack(tag)
        return [body for _, body in taken]

    def _deliver(self, _channel: Any, method: Any, _properties: Any, body: bytes) -> None:  # noqa: ANN401  pika's types
        self._held.append((method.delivery_tag, body.decode("utf-8", "replace")))

    def _on_cancel(self, _frame: object) -> None:
        """Notice that the server ended a consumer, because its queue was deleted; without a new one we are deaf."""
        self._cancelled = True

    def _rest(self, channel: BlockingChannel) -> None:
        for tag in self._tags:
            channel.basic_cancel(tag)
        self._tags.clear()
        while self._held:
            channel.basic_nack(self._held.popleft()[0], requeue=True)
        channel.connection.process_data_events(0)


class RabbitTransport:
    """Queues as RabbitMQ queues; producers of a process share one connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._channel = _Channel(url)
        self._lock = threading.Lock()

    def push(self, queue: str, entries: Sequence[str], window: int, *, more: bool = False) -> int:
        """Append the first entries that keep the queue within `window` (about: producers look, then publish)."""
        del more

        def publish(channel: BlockingChannel) -> int:
            name = self._channel.declare(channel, queue)
            room = window - int(channel.queue_declare(name, passive=True).method.message_count)
            fitting = entries[: max(0, room)]
            for entry in fitting:
                channel.basic_publish("", name, entry.encode())
            return len(fitting)

        with self._lock:
            return self._channel.use(publish)

    def offer(self, queue: str, entries: Sequence[str], window: int) -> int:
        """Append entries as a producer: half of the window is the dispatcher's, since nobody can tell what waits."""
        return self.push(queue, entries, max(1, window // 2))

    def steer(self, queue: str, *, waits: bool | None = None, window: int | None = None) -> None:
        """Tell nobody: producers know only how many entries wait."""

    def flow(self, queues: Sequence[str]) -> Mapping[str, Flow]:
        """Return how many entries wait; nobody counts those that were pushed."""
        return {queue: Flow(self.depth(queue), None) for queue in queues}

    def depth(self, queue: str) -> int:
        """Return how many entries wait."""

        def count(channel: BlockingChannel) -> int:
            return int(channel.queue_declare(_PREFIX + queue, durable=True).method.message_count)

        with self._lock:
            return self._channel.use(count)

    def missing(self, queue: str, entries: Collection[str]) -> set[str]:
        """Return all of `entries` when the queue holds fewer, and none otherwise: a queue cannot be searched."""
        return set(entries) if self.depth(queue) < len(entries) else set()

    def receiver(self, *, longest_wait: float) -> RabbitReceiver:
        """Open a consumer with a connection of its own."""
        del longest_wait
        return RabbitReceiver(self._url)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._channel.close()
