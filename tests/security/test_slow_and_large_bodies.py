"""Requests that are too large or never end, over a real socket: answered or cut, and none holds the others up."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Final

import anyio
import anyio.to_thread
import httpx
import pytest
from fastapi import Body, FastAPI, Form, Request
from sse_starlette import EventSourceResponse

from api.app import create_app
from api.edge.deadline import Deadline
from api.edge.door import LONGEST_URL
from api.edge.protocol import LARGEST_HEAD, BoundedProtocol
from api.errors import answer_with_problems
from api.middleware import MAX_BODY_BYTES, BodyLimit, Boundary
from config.logging import configure_logging
from domain.kernel.database import Database
from domain.kernel.redaction import redact
from tests.support.live_app import LiveApp
from tests.support.logs import logging_restored

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from tests.support.app_fixtures import MakeSettings

RECEIPT_SECONDS: Final = 0.5
ANSWER_SECONDS: Final = 1.0


class Hasty(BoundedProtocol):
    """Waits for a request as long as a test can."""

    receipt_seconds = RECEIPT_SECONDS


class Probe:
    """An application with the edge's own time limits, shortened, and routes that try them."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def app(self, _url: str) -> ASGIApp:
        """Return the application."""
        app = FastAPI()
        answer_with_problems(app)

        @app.post("/bytes")
        async def read_bytes(request: Request) -> int:
            return len(await request.body())

        @app.post("/json")
        def read_json(number: Annotated[int, Body(embed=True)]) -> int:
            return number

        @app.post("/form")
        def read_form(word: Annotated[str, Form()]) -> str:
            return word

        @app.get("/stuck")
        async def stuck() -> None:
            await anyio.sleep_forever()

        @app.get("/stuck-in-a-thread")
        def stuck_in_a_thread() -> None:
            self.let_go.wait(10)

        @app.get("/events")
        async def events() -> EventSourceResponse:
            return EventSourceResponse(self._events())

        app.add_middleware(BodyLimit)
        app.add_middleware(Deadline, seconds=ANSWER_SECONDS)
        app.add_middleware(Boundary)
        return app

    async def _events(self) -> Iterator[str]:  # type: ignore[misc]  # an asynchronous generator, as sse wants it
        yield "first"
        await anyio.to_thread.run_sync(self.let_go.wait, 10)
        yield "second"


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
def live(probe: Probe) -> Iterator[LiveApp]:
    with LiveApp(probe.app, http=Hasty) as served:
        yield served
        probe.let_go.set()


def connect(live: LiveApp) -> socket.socket:
    url = httpx.URL(live.url)
    return socket.create_connection((url.host, url.port or 80), timeout=10)


def rest(connected: socket.socket) -> bytes:
    """Return all that comes until the server closes the connection."""
    received = b""
    while piece := connected.recv(65536):
        received += piece
    return received


def head(path: str, *headers: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    ("path", "kind", "begin"),
    [
        ("/bytes", "application/octet-stream", b"abc"),
        ("/json", "application/json", b'{"number":'),
        ("/form", "application/x-www-form-urlencoded", b"word=a"),
    ],
)
def test_a_body_that_stops_half_way_is_answered_408(live: LiveApp, path: str, kind: str, begin: bytes) -> None:
    with closing(connect(live)) as connected:
        connected.sendall(head(path, f"Content-Type: {kind}", "Content-Length: 100") + begin)
        answer = rest(connected)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer
    assert b"The request did not arrive in time." in answer


def test_a_chunked_body_byte_by_byte_gets_no_more_time(live: LiveApp) -> None:
    with closing(connect(live)) as connected:
        connected.sendall(head("/bytes", "Transfer-Encoding: chunked"))
        connected.settimeout(0.02)
        answer = b""
        # Each byte comes well within any time-out between two of them.
        for _ in range(500):
            try:
                connected.sendall(b"1\r\nx\r\n")
                answer += connected.recv(65536)
                break
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST /bytes HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", id="headers"),
        pytest.param(b"PO", id="method"),
    ],
)
def test_a_request_that_never_comes_ends_its_connection(live: LiveApp, begin: bytes) -> None:
    with closing(connect(live)) as connected:
        connected.sendall(begin)
        answer = rest(connected)
    assert answer == b"" if not begin else answer.startswith(b"HTTP/1.1 408 ")


def test_headers_byte_by_byte_get_no_more_time(live: LiveApp) -> None:
    with closing(connect(live)) as connected:
        connected.sendall(b"POST /bytes HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        connected.settimeout(0.02)
        answer = b""
        for _ in range(500):
            try:
                connected.sendall(b"x")
                answer += connected.recv(65536)
                break
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_nobody_reads_does_not_hold_its_connection(live: LiveApp) -> None:
    with closing(connect(live)) as connected:
        connected.sendall(head("/nowhere", "Content-Length: 1000") + b"x")
        answer = rest(connected)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("pieces", [1, 40])
def test_a_head_that_is_too_large_is_refused_however_it_comes(live: LiveApp, pieces: int) -> None:
    whole = head("/bytes", "X-Large: " + "x" * (LARGEST_HEAD + 1000), "Content-Length: 3") + b"abc"
    with closing(connect(live)) as connected:
        size = len(whole) // pieces + 1
        for start in range(0, len(whole), size):
            try:
                connected.sendall(whole[start : start + size])
            except OSError:
                break  # It hung up before all of it was sent.
        answer = rest(connected)
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_a_head_of_a_usual_size_and_a_body_behind_it_are_read_in_one_piece(live: LiveApp) -> None:
    body = b"x" * MAX_BODY_BYTES
    with closing(connect(live)) as connected:
        connected.sendall(
            head("/bytes", "X-Some: " + "x" * 1000, f"Content-Length: {len(body)}", "Connection: close") + body
        )
        answer = rest(connected)
    assert answer.endswith(str(len(body)).encode())


def test_requests_in_one_piece_are_all_answered(live: LiveApp) -> None:
    one = head("/bytes", "Content-Length: 3") + b"abc"
    last = head("/bytes", "Content-Length: 3", "Connection: close") + b"abc"
    with closing(connect(live)) as connected:
        connected.sendall(one * 20 + last)
        answer = rest(connected)
    assert answer.count(b"HTTP/1.1 200 OK") == 21


def test_a_connection_is_kept_longer_than_a_request_may_take(live: LiveApp) -> None:
    with live.client() as client:
        client.post("/bytes", content=b"abc")
        with closing(connect(live)) as slower:
            rest(slower)  # The server waits as long for this one's first request.
        with closing(connect(live)) as slower:
            rest(slower)
        assert client.post("/bytes", content=b"abc").json() == 3


@pytest.mark.parametrize("path", ["/stuck", "/stuck-in-a-thread"])
def test_what_takes_too_long_is_answered_503(live: LiveApp, path: str) -> None:
    with live.client() as client:
        answer = client.get(path)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:gatehouse:problem:too-slow")
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert answer.headers["retry-after"] == "5"


def test_a_browser_is_shown_that_it_took_too_long(live: LiveApp) -> None:
    with live.client() as client:
        answer = client.get("/stuck", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "took too long" in answer.text
    assert answer.headers["retry-after"] == "5"


def test_a_stream_of_events_lives_longer_than_any_answer_may_take_to_begin(live: LiveApp, probe: Probe) -> None:
    with live.client() as client, client.stream("GET", "/events") as stream:
        lines = (line for line in stream.iter_lines() if line.startswith("data"))
        assert next(lines) == "data: first"
        assert client.get("/stuck").status_code == 503  # So the time is over.
        with closing(connect(live)) as connected:
            rest(connected)  # And that for a request to arrive as well.
        probe.let_go.set()
        assert next(lines) == "data: second"


def test_many_slow_ones_do_not_hold_up_a_quick_one(live: LiveApp) -> None:
    slow = [connect(live) for _ in range(100)]
    try:
        for connected in slow:
            connected.sendall(head("/bytes", "Content-Length: 100") + b"x")
        with live.client() as client:
            assert client.post("/bytes", content=b"abc").json() == 3
        assert all(rest(connected).startswith(b"HTTP/1.1 408 ") for connected in slow)
    finally:
        for connected in slow:
            connected.close()


@pytest.fixture
def gatehouse(unconnected: MakeSettings) -> Iterator[LiveApp]:
    with LiveApp(lambda url: _without_servers(create_app(unconnected(public_url=url)))) as served:
        yield served


def _without_servers(app: FastAPI) -> ASGIApp:
    """Return the application without what needs servers; its database connects only when it is asked."""
    app.state.database = Database("postgresql://127.0.0.1:1/none", "postgresql://127.0.0.1:1/none")
    app.router.lifespan_context = FastAPI().router.lifespan_context
    return app


def test_an_address_that_is_too_long_is_refused(gatehouse: LiveApp) -> None:
    with gatehouse.client() as client:
        answer = client.get("/sign-in", params={"next": "/" + "x" * LONGEST_URL})
        assert (answer.status_code, answer.json()["status"]) == (414, 414)
        assert client.get("/unsubscribe/" + "x" * LONGEST_URL).status_code == 414


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/webhooks/twilio/sms", MAX_BODY_BYTES + 1, 413),
        ("/webhooks/ses", MAX_BODY_BYTES + 1, 422),
        ("/webhooks/ses", 300 * 1024, 413),
        ("/sign-in", MAX_BODY_BYTES + 1, 413),
        ("/nowhere", MAX_BODY_BYTES + 1, 413),
    ],
)
def test_each_kind_of_route_reads_as_much_as_it_may_need(gatehouse: LiveApp, path: str, size: int, status: int) -> None:
    with gatehouse.client() as client:
        assert client.post(path, content=b"x" * size).status_code == status


def test_a_body_that_says_it_is_endless_is_refused_unread(gatehouse: LiveApp) -> None:
    with closing(connect(gatehouse)) as connected:
        connected.sendall(head("/webhooks/twilio/sms", "Content-Length: " + "9" * 19))
        answer = rest(connected)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_connection_that_is_ended_leaves_a_line_without_what_was_sent(
    probe: Probe, unconnected: MakeSettings
) -> None:
    stream = io.StringIO()
    with logging_restored():
        configure_logging(unconnected(), "api", redact, stream)
        with LiveApp(probe.app, http=Hasty) as live, closing(connect(live)) as connected:
            connected.sendall(b"POST /my-secret-path HTTP/1.1\r\nX-Slow: ")
            rest(connected)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["reason"] for line in lines if line["event"] == "http.connection_ended"] == ["time"]
    assert "my-secret-path" not in stream.getvalue()
