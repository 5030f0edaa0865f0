"""A double of Twilio's Messages API that speaks HTTP: what the real client posts is checked, kept and answered.

    with TwilioDouble() as twilio:
        twilio.will(Reject(21211, 400, "not a valid number"), AcceptThenHang())
        ... point GATEHOUSE_TWILIO__API_BASE_URL at twilio.url ...
        assert [m.to for m in twilio.messages] == ["+15005550001"]

Behaviours are used up one a POST, in order; without any, a valid message is accepted. It answers lists as Twilio does,
including that a message which has not left yet has no DateSent. By hand, printing each request as a line of JSON:

    python -m tests.support.twilio_double --port 9003 [--account-sid AC… --auth-token …] [--callbacks]
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import threading
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

from twilio.request_validator import RequestValidator

from tests.support.twilio_api import (
    AcceptThenDrop,
    AcceptThenFail,
    AcceptThenGarble,
    AcceptThenHang,
    Behaviour,
    Hang,
    Reject,
    Request,
    Sent,
    invalid,
    matches,
)

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "a-token-for-tests"
_MESSAGE = re.compile(r".*/Messages/(\w+)\.json")


@dataclass
class _State:
    account_sid: str
    auth_token: str
    on_request: Callable[[Request], None] | None
    now: Callable[[], datetime]
    requests: list[Request] = field(default_factory=list)
    messages: list[Sent] = field(default_factory=list)
    behaviours: deque[Behaviour] = field(default_factory=deque)
    leaves_at_once: bool = True
    list_refusal: Reject | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)
    closing: threading.Event = field(default_factory=threading.Event)


class TwilioDouble:
    """The server; a context manager. Listens on loopback, on a free port unless one is given."""

    def __init__(
        self,
        port: int = 0,
        *,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        on_request: Callable[[Request], None] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._state = _State(account_sid, auth_token, on_request, now)
        handler = type("Handler", (_Handler,), {"state": self._state})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        # A short poll, so that closing takes no half second.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """What GATEHOUSE_TWILIO__API_BASE_URL has to be."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def account_sid(self) -> str:
        """The one account that exists."""
        return self._state.account_sid

    @property
    def auth_token(self) -> str:
        """Its token; it also signs callbacks."""
        return self._state.auth_token

    @property
    def requests(self) -> list[Request]:
        """Every request so far."""
        return list(self._state.requests)

    @property
    def messages(self) -> list[Sent]:
        """Every message that was taken, oldest first."""
        return list(self._state.messages)

    def will(self, *behaviours: Behaviour) -> None:
        """Behave so at the next POSTs."""
        self._state.behaviours.extend(behaviours)

    def behave(self, behaviours: Sequence[Behaviour]) -> None:
        """Behave so at the next POSTs, and forget what was to come."""
        self._state.behaviours.clear()
        self.will(*behaviours)

    def keep_queued(self, keep: bool = True) -> None:  # noqa: FBT001, FBT002  # says it well enough
        """From now on let messages wait in the sender's queue: accepted, but without a DateSent."""
        self._state.leaves_at_once = not keep

    def forget(self, sent: Sent) -> None:
        """Know a message no more, as after its deletion."""
        self._state.messages.remove(sent)

    def refuse_lists(self, reject: Reject | None) -> None:
        """From now on answer every GET with this error; None ends that."""
        self._state.list_refusal = reject

    def receive(self, to: str, sender: str, body: str, at: datetime, **fields: str) -> str:
        """Have a customer's text to one of our numbers that no webhook tells of; return its id."""
        sent = Sent("SM" + uuid4().hex, {"To": to, "From": sender, "Body": body, **fields}, at, at, "received")
        self._state.messages.append(sent)
        return sent.sid

    def wait_for(self, count: int, *, seconds: float = 10) -> list[Sent]:
        """Wait until at least `count` messages were taken and return them; AssertionError when they don't come."""
        with self._state.changed:
            arrived = self._state.changed.wait_for(lambda: len(self._state.messages) >= count, seconds)
        assert arrived, f"{len(self.messages)} of {count} messages after {seconds} s"
        return self.messages

    def call_back(self, sent: Sent, status: str, *, error_code: int | None = None) -> int:
        """Post a signed status callback of a message; return the answer's HTTP status."""
        sent.status, sent.error_code = status, error_code
        url = sent.fields["StatusCallback"]
        form = {
            "AccountSid": self.account_sid,
            "MessageSid": sent.sid,
            "SmsSid": sent.sid,
            "MessageStatus": status,
            "SmsStatus": status,
            "To": sent.to,
            "From": sent.fields.get("From", ""),
            "ApiVersion": "2010-04-01",
        }
        if error_code is not None:
            form["ErrorCode"] = str(error_code)
        signature = RequestValidator(self.auth_token).compute_signature(url, form)
        request = urllib.request.Request(  # noqa: S310  # the address is the one under test
            url, urlencode(form).encode(), {"X-Twilio-Signature": signature}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._state.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: _State

    def do_POST(self) -> None:
        """Create a message."""
        fields = dict(parse_qsl(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()))
        if not self._admit(fields):
            return
        with self.state.changed:
            behaviour = self.state.behaviours.popleft() if self.state.behaviours else None
        refused = behaviour if isinstance(behaviour, Reject) else invalid(fields)
        if refused is not None:
            self._refuse(refused)
        elif isinstance(behaviour, Hang):
            self._hang()
        else:
            self._accept(fields, behaviour)

    def do_GET(self) -> None:
        """List messages, newest first."""
        query = dict(parse_qsl(urlsplit(self.path).query))
        if not self._admit(query):
            return
        if self.state.list_refusal is not None:
            self._refuse(self.state.list_refusal)
            return
        if urlsplit(self.path).path.endswith("/Media.json"):
            uri = urlsplit(self.path).path.removesuffix(".json") + f"/ME{'a' * 32}.json"
            self._answer(200, {"media_list": [{"uri": uri, "content_type": "image/png"}], "next_page_uri": None})
            return
        if (sid := _MESSAGE.fullmatch(urlsplit(self.path).path)) is not None:
            self._show(sid[1])
            return
        found = [m for m in reversed(self.state.messages) if matches(m, query)]
        page = [m.resource(self.state.account_sid) for m in found[: int(query.get("PageSize", 50))]]
        self._answer(200, {"messages": page, "next_page_uri": None, "page": 0, "page_size": len(page)})

    def _show(self, sid: str) -> None:
        sent = next((message for message in self.state.messages if message.sid == sid), None)
        if sent is None:
            self._refuse(Reject(20404, 404, f"The requested resource {self.path} was not found"))
        else:
            self._answer(200, sent.resource(self.state.account_sid))

    def _admit(self, fields: Mapping[str, str]) -> bool:
        path = urlsplit(self.path).path
        expected = base64.b64encode(f"{self.state.account_sid}:{self.state.auth_token}".encode()).decode()
        authorized = self.headers.get("Authorization") == f"Basic {expected}"
        request = Request(self.command, path, fields, authorized)
        self.state.requests.append(request)
        if self.state.on_request:
            self.state.on_request(request)
        own = f"/2010-04-01/Accounts/{self.state.account_sid}/Messages"
        if path != f"{own}.json" and not (path.startswith(f"{own}/") and self.command == "GET"):
            self._refuse(Reject(20404, 404, f"The requested resource {path} was not found"))
        elif not authorized:
            self._refuse(Reject(20003, 401, "Authenticate"))
        else:
            return True
        return False

    def _accept(self, fields: Mapping[str, str], behaviour: Behaviour | None) -> None:
        now = self.state.now()
        sent = Sent("SM" + uuid4().hex, fields, now, now if self.state.leaves_at_once else None)
        if "MessagingServiceSid" in fields:
            sent.status = "accepted"
        with self.state.changed:
            self.state.messages.append(sent)
            self.state.changed.notify_all()
        match behaviour:
            case AcceptThenHang():
                self._hang()
            case AcceptThenDrop():
                self.close_connection = True
            case AcceptThenFail():
                self._refuse(Reject(20500, 500, "Internal Server Error"))
            case AcceptThenGarble():
                self._write(201, b"<html>", {})
            case _:
                self._answer(201, sent.resource(self.state.account_sid))

    def _hang(self) -> None:
        self.state.closing.wait(60)
        self.close_connection = True

    def _refuse(self, reject: Reject) -> None:
        headers = {} if reject.retry_after is None else {"Retry-After": reject.retry_after}
        if reject.code is None:
            self._write(reject.status, b"<html>an error page</html>", headers)
            return
        more = f"https://www.twilio.com/docs/errors/{reject.code}"
        body = {"code": reject.code, "message": reject.message, "more_info": more, "status": reject.status}
        self._answer(reject.status, body, headers)

    def _answer(self, status: int, body: dict[str, object], headers: Mapping[str, str] | None = None) -> None:
        self._write(status, json.dumps(body).encode(), headers or {})

    def _write(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: requests are kept."""


def _report(double: TwilioDouble, sent: Sent) -> None:
    for status in ("sent", "delivered"):
        double.call_back(sent, status)


def main() -> None:
    """Run until interrupted, printing each request as a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account-sid", default=ACCOUNT_SID)
    parser.add_argument("--auth-token", default=AUTH_TOKEN)
    parser.add_argument("--callbacks", action="store_true", help="report each message as sent, then as delivered")
    options = parser.parse_args()

    def show(request: Request) -> None:
        line: dict[str, Any] = {"method": request.method, "path": request.path, "authorized": request.authorized}
        print(json.dumps({**line, "fields": dict(request.fields)}), flush=True)  # noqa: T201  # this is its output

    with TwilioDouble(
        options.port, account_sid=options.account_sid, auth_token=options.auth_token, on_request=show
    ) as double:
        print(json.dumps({"listening": double.url, "account_sid": double.account_sid}), flush=True)  # noqa: T201
        seen = 0
        try:
            while True:
                for sent in double.wait_for(seen + 1, seconds=1e6)[seen:]:
                    seen += 1
                    if options.callbacks and "StatusCallback" in sent.fields:
                        _report(double, sent)
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
