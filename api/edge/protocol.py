"""HTTP as the server reads it, with bounds to what comes before there is a request that the application could refuse.

uvicorn bounds neither the size nor the time of a request's head when it parses with httptools, and its time-out for
idle connections stops at the first byte. So one byte a minute would hold a connection for good.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

LARGEST_HEAD: Final = 32 * 1024
"""Bytes of a request's line and headers."""
RECEIPT_SECONDS: Final = 30.0
"""From the first byte of a request, or from the connection, to the last byte of its body."""
_log = structlog.get_logger(__name__)


def _refusal(status: int, detail: str) -> bytes:
    """Return a whole answer, for when there is no application to give one."""
    title = HTTPStatus(status).phrase
    document = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail}).encode()
    head = f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\nconnection: close\r\n"
    return f"{head}content-length: {len(document)}\r\n\r\n".encode() + document


_TOO_LARGE: Final = _refusal(431, f"The request's line and headers are larger than {LARGEST_HEAD} bytes.")
_TOO_SLOW: Final = _refusal(408, "The request did not arrive in time.")


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection whose request is too large in its head, or does not arrive in time.

    A request that arrives in one piece, as nearly all do, costs a comparison and sets no timer.
    """

    largest_head = LARGEST_HEAD
    receipt_seconds = RECEIPT_SECONDS

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._receipt: asyncio.TimerHandle | None = None
        self._in_head = False
        self._in_request = False
        self._too_large = False
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        # A piece so large is read with its headers counted; smaller ones add up while a head is not whole.
        self._head_bytes += len(data)
        super().data_received(data)
        if self._too_large or (self._in_head and self._head_bytes > self.largest_head):
            self._end(_TOO_LARGE, "size")
        elif self._in_request:
            if self._receipt is None:
                self._expect()
        elif self._receipt is not None:
            self._arrived()

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        super().on_message_begin()
        self._in_request = self._in_head = True

    def on_headers_complete(self) -> None:
        """Hand the request to the application, unless its head is too large."""
        if self._head_bytes > self.largest_head:
            head = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if head > self.largest_head:
                self._too_large = True  # The application never hears of it; it ends when all of this piece is read.
        self._in_head = False
        if not self._too_large:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of a body."""
        if not self._too_large:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._in_request = False
        self._head_bytes = 0
        if not self._too_large:
            super().on_message_complete()

    def _expect(self) -> None:
        self._receipt = self.loop.call_later(self.receipt_seconds, self._too_slow)

    def _arrived(self) -> None:
        if self._receipt is not None:
            self._receipt.cancel()
            self._receipt = None

    def _too_slow(self) -> None:
        self._receipt = None
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self._expect()  # It is we who do not read on.
            return
        self._end(_TOO_SLOW if self._in_request and self._may_answer() else b"", "time")

    def _may_answer(self) -> bool:
        """Return whether nobody has begun to answer this request, and nothing before it is still to be answered."""
        if self.pipeline or self.cycle is None:
            return not self.pipeline
        return self.cycle.response_complete if self._in_head else not self.cycle.response_started

    def _end(self, answer: bytes, reason: str) -> None:
        _log.info("http.connection_ended", reason=reason)
        if answer:
            self.transport.write(answer)
        self.transport.close()
