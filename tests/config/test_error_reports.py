"""What is sent to Sentry shows no person and no secret, wherever in the report it stood."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

# A process that fails with private data in every place that Sentry collects from.
FAILING = """
import logging, sys
import sentry_sdk
from config.settings import Settings
from config.error_reports import report_error, report_errors
from domain.kernel.redaction import redact

url = "postgresql://h/d"
settings = Settings(database_url=url, platform_database_url=url, broker_url="redis://h", redis_url="redis://h",
                    secret_key="-" * 32, sentry_dsn=sys.argv[1])
assert report_errors(settings, "worker", redact)
logging.getLogger("library").warning("called +15005550006")
sentry_sdk.add_breadcrumb(message="mail to ann@example.com", data={"body": "my pipe burst"})
sentry_sdk.set_context("message", {"body": "my pipe burst", "nested": [{"auth_token": "hunter2"}]})
def send(hidden_local):
    raise RuntimeError("for +15005550006 at postgresql://app:hunter2@db/x")
import urllib.request
from urllib.parse import urlsplit
urllib.request.urlopen(f"http://127.0.0.1:{urlsplit(sys.argv[1]).port}/outside?To=%2B15005550006", data=b"x").read()
try:
    send("only in a variable")
except RuntimeError as error:
    report_error(error)
logging.getLogger("library").error("gave up on %s", "+15005550006")
sentry_sdk.flush(10)
"""


class Collector(BaseHTTPRequestHandler):
    """Keeps the reports that it is sent."""

    reports: list[str]
    outside: list[dict[str, str]]

    def do_POST(self) -> None:
        """Take one."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path.startswith("/outside"):
            self.outside.append(dict(self.headers))
        else:
            self.reports.append(body.decode())
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def sentry() -> Iterator[tuple[str, type[Collector]]]:
    """Give the DSN of a local collector and what it collects."""
    handler: type[Collector] = type("Kept", (Collector,), {"reports": [], "outside": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://key@127.0.0.1:{server.server_port}/1", handler
        server.shutdown()
        thread.join()


def test_reports_are_redacted(sentry: tuple[str, type[Collector]]) -> None:
    dsn, collector = sentry
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", FAILING, dsn], check=True, cwd=root, timeout=60, capture_output=True)
    sent = "\n".join(collector.reports)
    assert "RuntimeError" in sent
    assert "gave up on" in sent
    assert "mail to" in sent
    assert '"role":"worker"' in sent
    for private in ("5550006", "hunter2", "ann@example.com", "my pipe burst", "only in a variable"):
        assert private not in sent
    # What we call outside is told nothing of it either.
    (headers,) = collector.outside
    assert not [name for name in headers if name.lower() in {"sentry-trace", "baggage"}]
