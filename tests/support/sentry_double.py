"""Sentry's ingest: takes envelopes and keeps the events in them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class SentryDouble:
    """What was reported so far. `raw`: the envelopes, unzipped."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.raw: list[str] = []

    def events(self) -> list[dict[str, Any]]:
        """Return the events of all envelopes, in the order in which they came."""
        found = []
        for envelope in list(self.raw):
            lines = envelope.splitlines()
            for header, body in zip(lines[1::2], lines[2::2], strict=False):
                if json.loads(header).get("type") == "event":
                    found.append(json.loads(body))
        return found


@contextmanager
def sentry_double() -> Iterator[SentryDouble]:
    """Run it on a free port until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            double.raw.append(body.decode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        double = SentryDouble(f"http://key@127.0.0.1:{server.server_port}/1")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield double
        finally:
            server.shutdown()
            thread.join()
