"""A double of the wire of SES API v2 that does what the real one does on its bad days.

Where things go well, moto answers (`tests/providers/test_ses_email.py`); this is for what moto can't do.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import unquote

_SEND: Final = "/v2/email/outbound-emails"
_LONGEST: Final = 5.0
"""Seconds that anything here waits at most, so that no test hangs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back: a status, an error's name, and headers. `body` replaces the usual one."""

    status: int = 200
    error: str | None = None
    message: str = "It went wrong."
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """The request is read, and the connection cut without an answer."""


@dataclass(frozen=True, slots=True)
class Hang:
    """The request is read, and no answer comes while the double is open."""


class SesDouble:
    """Serves SendEmail, and what is asked about an account, on a free port; a context manager."""

    def __init__(self, max_send_rate: float | None = None) -> None:
        self.emails: list[dict[str, Any]] = []
        """The bodies of all SendEmail requests, in order."""
        self.max_send_rate = max_send_rate
        self.asked_for_rate = threading.Event()
        self.sending_enabled = True
        self.production_access = True
        self.verified: set[str] = set()
        """Addresses and domains that may send."""
        self.configuration_sets: dict[str, list[str]] = {}
        """The topics that each reports to."""
        self.closing = threading.Event()
        self._plan: deque[Answer | Drop | Hang] = deque()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="ses-double")

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL has to be."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def will(self, *answers: Answer | Drop | Hang) -> None:
        """Answer the next requests to send so; after that, all goes well."""
        self._plan.extend(answers)

    def next_answer(self) -> Answer | Drop | Hang:
        """Return what to do with a request to send."""
        return self._plan.popleft() if self._plan else Answer()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, double: SesDouble) -> None:
        self.double = double
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _LONGEST
    server: _Server

    def do_GET(self) -> None:
        double = self.server.double
        kind, _, name = unquote(self.path).removeprefix("/v2/email/").partition("/")
        name = name.removesuffix("/event-destinations")
        if kind == "account":
            quota = {"Max24HourSend": 50000.0, "MaxSendRate": double.max_send_rate, "SentLast24Hours": 0.0}
            flags = {"SendingEnabled": double.sending_enabled, "ProductionAccessEnabled": double.production_access}
            self._answer(200, {"SendQuota": quota, **flags})
            double.asked_for_rate.set()
        elif kind == "identities" and name in double.verified:
            self._answer(200, {"VerifiedForSendingStatus": True})
        elif kind == "configuration-sets" and name in double.configuration_sets:
            topics = [
                {"Name": topic, "Enabled": True, "MatchingEventTypes": [], "SnsDestination": {"TopicArn": topic}}
                for topic in double.configuration_sets[name]
            ]
            self._answer(200, {"EventDestinations": topics})
        else:
            self._answer(404, {"message": "It is not there."}, {"x-amzn-ErrorType": "NotFoundException"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != _SEND:
            self._answer(404, {"message": self.path})
            return
        double = self.server.double
        double.emails.append(body)
        planned = double.next_answer()
        if isinstance(planned, Answer):
            self._planned(planned)
            return
        if isinstance(planned, Hang):
            double.closing.wait(_LONGEST)
        self.close_connection = True

    def _planned(self, planned: Answer) -> None:
        if planned.error is not None:
            # As AWS's REST-JSON protocol names errors.
            headers = planned.headers | {"x-amzn-ErrorType": planned.error}
            self._answer(planned.status, {"message": planned.message}, headers)
        elif planned.body is not None:
            self._write(planned.status, planned.body, planned.headers)
        else:
            self._answer(planned.status, {"MessageId": f"ses-{len(self.server.double.emails)}"}, planned.headers)

    def _answer(self, status: int, document: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._write(status, json.dumps(document).encode(), headers or {})

    def _write(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Keep quiet."""
