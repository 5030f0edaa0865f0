"""The provider of a chaos run: a double of Twilio's Messages API as a process of its own, with a ledger on disk.

    python -m tests.chaos.twilio PORT SEED LEDGER

How it treats a request depends on the recipient and the seed (`customers.Temper`); owners' numbers get no special
treatment. Each text that it takes is a line of JSON in the ledger, on its way before anything is answered. It posts
signed status callbacks, lists and shows messages truthfully, those that customers sent included
(`POST /inbound` with the webhook's form tells it of one).
"""

from __future__ import annotations

import base64
import bisect
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from tests.chaos.callbacks import Reporter
from tests.chaos.customers import Temper, customer, index_of
from tests.chaos.gatehouse import ACCOUNT_SID
from tests.support.twilio_api import Reject, Sent, invalid
from tests.support.twilio_webhook import AUTH_TOKEN

SLOW_SECONDS: Final = 30.0
BUSY_TIMES: Final = 2
_BASE: Final = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages"
_AUTHORIZATION: Final = "Basic " + base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()


class Books:
    """What the double knows: texts by id and by recipient, how often each recipient was tried, and the ledger."""

    def __init__(self, seed: int, ledger: Path) -> None:
        self.seed = seed
        self.by_sid: dict[str, Sent] = {}
        self._by_to: dict[str, list[Sent]] = defaultdict(list)
        self._tried: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()
        self._ledger = ledger.open("a", buffering=1)

    def temper(self, to: str) -> Temper:
        """Return how the next request to this recipient is treated; most are only ill-treated once."""
        index = index_of(to)
        with self._lock:
            before = self._tried[to]
            self._tried[to] += 1
        if index is None:
            return Temper.PLAIN
        temper = customer(self.seed, index).temper
        times = BUSY_TIMES if temper in (Temper.BUSY, Temper.BUSY_LATER) else 1
        return temper if before < times else Temper.PLAIN

    def take(self, fields: Mapping[str, str]) -> Sent:
        """Take a text: from now on it is sent."""
        sent = Sent(f"SM{uuid4().hex}", fields, datetime.now(UTC), None)
        self._keep(sent)
        self.write("taken", fields["To"], body=fields["Body"], sid=sent.sid)
        return sent

    def take_inbound(self, form: Mapping[str, str]) -> None:
        """Know of a text that a customer sent."""
        now = datetime.now(UTC)
        self._keep(Sent(form["MessageSid"], form, now, now, "received"))

    def write(self, what: str, to: str, **more: str) -> None:
        """Write a line into the ledger."""
        line = json.dumps({"at": time.time(), "what": what, "to": to} | more)
        with self._lock:
            self._ledger.write(line + "\n")

    def find(self, query: Mapping[str, str]) -> Sequence[Sent]:
        """Return what a list with these filters shows, newest first."""
        with self._lock:
            known = list(self._by_to[query["To"]]) if "To" in query else list(self.by_sid.values())
        after, before = _time(query.get("DateSent>")), _time(query.get("DateSent<"))
        start = bisect.bisect_left(known, after, key=lambda one: one.created_at) if after else 0
        return [
            one
            for one in reversed(known[start:])
            if query.get("From", one.fields.get("From")) == one.fields.get("From")
            and (not (after or before) or one.sent_at is not None)
            and (after is None or (one.sent_at or one.created_at) >= after)
            and (before is None or (one.sent_at or one.created_at) <= before)
        ]

    def _keep(self, sent: Sent) -> None:
        with self._lock:
            self.by_sid[sent.sid] = sent
            self._by_to[sent.fields["To"]].append(sent)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    books: Books
    reporter: Reporter

    def do_POST(self) -> None:
        """Take a text, or be told of one."""
        fields = dict(parse_qsl(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()))
        path = urlsplit(self.path).path
        if path == "/inbound":
            self.books.take_inbound(fields)
            self._answer(204, {})
        elif not self._authorized():
            self._refuse(Reject(20003, 401, "Authenticate"))
        elif path != f"{_BASE}.json":
            self._refuse(Reject(20404, 404, "The requested resource was not found"))
        elif (wrong := invalid(fields)) is not None:
            self.books.write("refused", fields.get("To", ""), code=str(wrong.code))
            self._refuse(wrong)
        else:
            self._create(fields, self.books.temper(fields["To"]))

    def do_GET(self) -> None:
        """Show one message, or list them."""
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        if not self._authorized():
            self._refuse(Reject(20003, 401, "Authenticate"))
        elif parts.path == f"{_BASE}.json":
            self._list(query)
        elif (one := self.books.by_sid.get(parts.path.removeprefix(f"{_BASE}/").removesuffix(".json"))) is not None:
            self._answer(200, _resource(one))
        else:
            self._refuse(Reject(20404, 404, "The requested resource was not found"))

    def _create(self, fields: Mapping[str, str], temper: Temper) -> None:
        if temper in (Temper.BUSY, Temper.BUSY_LATER, Temper.LOSE):
            self.books.write("turned away", fields["To"], by=temper.value)
            if temper is Temper.LOSE:
                self.close_connection = True
            else:
                wait = "2" if temper is Temper.BUSY_LATER else None
                self._refuse(Reject(20429, 429, "Too Many Requests", retry_after=wait))
            return
        sent = self.books.take(fields)
        self.reporter.report(sent, self.books.seed)
        if temper is Temper.DROP:
            self.close_connection = True
        elif temper is Temper.FAIL:
            self._refuse(Reject(20500, 500, "Internal Server Error"))
        elif temper is Temper.GARBLE:
            self._write(201, b"<html>", {})
        else:
            if temper is Temper.SLOW:
                threading.Event().wait(SLOW_SECONDS)
            self._answer(201, _resource(sent))

    def _list(self, query: Mapping[str, str]) -> None:
        found = self.books.find(query)
        size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
        shown = found[page * size : (page + 1) * size]
        more = f"{_BASE}.json?" + "&".join(f"{k}={v}" for k, v in query.items() if k != "Page") + f"&Page={page + 1}"
        self._answer(
            200,
            {
                "messages": [_resource(one) for one in shown],
                "next_page_uri": more.replace("+", "%2B") if (page + 1) * size < len(found) else None,
                "page": page,
                "page_size": size,
            },
        )

    def _authorized(self) -> bool:
        return self.headers.get("Authorization") == _AUTHORIZATION

    def _refuse(self, reject: Reject) -> None:
        headers = {} if reject.retry_after is None else {"Retry-After": reject.retry_after}
        self._answer(reject.status, {"code": reject.code, "message": reject.message, "status": reject.status}, headers)

    def _answer(self, status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> None:
        self._write(status, json.dumps(body).encode() if body else b"", headers or {})

    def _write(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing: the ledger does."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that go away are what this is about."""


def _resource(sent: Sent) -> dict[str, object]:
    shown = sent.resource(ACCOUNT_SID)
    return shown | {"direction": "inbound"} if sent.status == "received" else shown


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def main() -> None:
    """Serve until killed."""
    port, seed, ledger = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    handler = type("ChaosHandler", (Handler,), {"books": Books(seed, ledger), "reporter": Reporter()})
    with _Server(("127.0.0.1", port), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
