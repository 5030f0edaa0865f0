"""A load generator that stays out of the way: one process, blocking sockets under one epoll, requests made beforehand.

`python -m benchmarks.load PORT CONNECTIONS SECONDS REQUESTS` prints what it saw as a line of JSON. It costs about 15 µs
a request, a tenth of the smallest application that it is pointed at.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import sys
import time
from dataclasses import asdict, dataclass

from benchmarks.webhooks import requests

WARM_UP = 1.0
_LENGTH = b"content-length: "


@dataclass(frozen=True, slots=True)
class Load:
    """What was seen: answers a second, latencies in milliseconds, and how many answers were not a success."""

    rate: float
    p50: float
    p99: float
    failed: int


class Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._held = b""
        self.sent = 0.0

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def send(self, request: bytes) -> None:
        """Send the next request."""
        self.sent = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> bytes:
        """Wait for the whole answer; return its first line."""
        while (line := self.receive()) is None:
            pass
        return line

    def receive(self) -> bytes | None:
        """Return the answer's first line once all of the answer is here."""
        data = self._held + self.socket.recv(65536)
        head = data.find(b"\r\n\r\n")
        if head >= 0:
            lower = data[:head].lower()
            start = lower.find(_LENGTH)
            length = int(lower[start + len(_LENGTH) :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            if len(data) >= head + 4 + length:
                self._held = b""
                return data[: data.find(b"\r\n")]
        self._held = data
        return None


def generate(port: int, connections: int, seconds: float, made: list[bytes]) -> Load:
    """Keep every connection busy for the warm-up and `seconds`; requests are used again only when they run out."""
    upcoming = itertools.cycle(made)
    opened = {connection.socket.fileno(): connection for connection in (Connection(port) for _ in range(connections))}
    poll = select.epoll()
    for number, connection in opened.items():
        poll.register(number, select.EPOLLIN)
        connection.send(next(upcoming))
    begin = time.perf_counter() + WARM_UP
    latencies: list[float] = []
    failed = 0
    now = time.perf_counter()
    while now < begin + seconds:
        for number, _ in poll.poll(1):
            connection = opened[number]
            answer = connection.receive()
            if answer is None:
                continue
            now = time.perf_counter()
            if now >= begin:
                latencies.append(now - connection.sent)
                failed += b" 200 " not in answer
            connection.send(next(upcoming))
        now = time.perf_counter()
    latencies.sort()
    return Load(
        rate=len(latencies) / seconds,
        p50=latencies[len(latencies) // 2] * 1000,
        p99=latencies[int(len(latencies) * 0.99)] * 1000,
        failed=failed,
    )


def main() -> None:
    """Generate load as the command line says."""
    port, connections, seconds, count = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    made = list(requests(port, count))
    print(json.dumps(asdict(generate(port, connections, seconds, made))))


if __name__ == "__main__":
    main()
