"""What every request goes through, whatever route answers it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import anyio
import httpx
import psycopg
import pytest
from fastapi import Body, FastAPI, Form, Request
from prometheus_client import REGISTRY
from sqlalchemy.exc import OperationalError
from starlette.responses import HTMLResponse, Response

from api.app import create_app
from api.errors import MEDIA_TYPE, ProblemError
from api.middleware import MAX_BODY_BYTES
from config.logging import configure_logging
from domain.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from domain.kernel.redaction import redact
from tests.support.app_client import AppClient
from tests.support.logs import logging_restored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tests.api.conftest import MakeSettings


def routes_for_tests(app: FastAPI) -> None:
    """Add routes that do what real ones may do."""

    @app.post("/probe/bytes")
    async def read_bytes(request: Request) -> int:
        return len(await request.body())

    @app.post("/probe/form")
    async def read_form(word: Annotated[str, Form()]) -> int:
        return len(word)

    @app.post("/probe/number")
    async def number(number: Annotated[int, Body(embed=True)]) -> int:
        return number

    @app.get("/probe/page")
    async def own_page() -> Response:
        return HTMLResponse("<p>hello</p>")

    @app.get("/probe/framed")
    async def framed() -> Response:
        return HTMLResponse("<p>hello</p>", headers={"Content-Security-Policy": "frame-ancestors https://a.example"})

    @app.get("/probe/raise/{what}")
    async def fail(what: str) -> None:
        raise {
            "domain-missing": NotFoundError("There is no client +15005550006."),
            "domain-conflict": ConflictError(),
            "domain-invalid": InvalidInputError(),
            "problem": ProblemError(429, "Slow down.", kind="rate", headers={"Retry-After": "3"}, members={"left": 0}),
            "database-away": OperationalError(
                "SELECT 1", {}, psycopg.OperationalError("connection refused by hunter2")
            ),
            "bug": RuntimeError("password hunter2 of +15005550006"),
        }[what]

    @app.get("/probe/who")
    async def who(request: Request) -> str:
        return request.client.host if request.client else ""


@pytest.fixture
def edge(unconnected: MakeSettings) -> AppClient:
    app = create_app(unconnected())
    routes_for_tests(app)
    return AppClient(app)


@pytest.fixture
def log_lines(unconnected: MakeSettings) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with logging_restored():
        configure_logging(unconnected(), "api", redact, stream)
        yield stream


def test_an_answer_carries_the_id_of_its_request(edge: AppClient) -> None:
    assert edge.get("/api/health", headers={"X-Request-Id": "trace-1234.5"}).headers["x-request-id"] == "trace-1234.5"
    for unusable in ("", "short", "with space inside", "x" * 65, "new\tline-in-it"):
        made = edge.get("/api/health", headers={"X-Request-Id": unusable}).headers["x-request-id"]
        assert UUID(made).version == 7


def test_answers_carry_security_headers(edge: AppClient) -> None:
    page = edge.get("/probe/page").headers
    assert page["content-security-policy"].startswith("default-src 'self'; frame-ancestors 'none'")
    assert page["x-content-type-options"] == "nosniff"
    assert page["referrer-policy"] == "same-origin"
    assert page["cache-control"] == "no-store"
    assert edge.get("/api/health").headers["content-security-policy"].startswith("default-src 'none'")
    assert edge.get("/probe/framed").headers["content-security-policy"] == "frame-ancestors https://a.example"


@pytest.mark.parametrize("size", [0, 1, MAX_BODY_BYTES])
def test_bodies_up_to_the_limit_are_read(edge: AppClient, size: int) -> None:
    assert edge.post("/probe/bytes", content=b"x" * size).json() == size


@pytest.mark.parametrize("path", ["/probe/bytes", "/probe/form", "/probe/number"])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_over_the_limit_are_refused(edge: AppClient, path: str, *, chunked: bool) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"word="
        for _ in range(5):
            yield b"x" * (MAX_BODY_BYTES // 4)

    kind = "application/x-www-form-urlencoded" if path.endswith("form") else "application/json"
    content = pieces() if chunked else b"".join(pieces())
    answer = edge.post(path, content=content, headers={"Content-Type": kind})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["detail"] == f"The body is larger than {MAX_BODY_BYTES} bytes."


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("domain-missing", {"status": 404, "title": "Not Found", "detail": "There is no client [phone …06]."}),
        ("domain-conflict", {"status": 409, "title": "Conflict"}),
        ("domain-invalid", {"status": 422}),
        ("problem", {"status": 429, "type": "urn:gatehouse:problem:rate", "detail": "Slow down.", "left": 0}),
        ("database-away", {"status": 503, "type": "urn:gatehouse:problem:database-away"}),
        (
            "bug",
            {
                "status": 500,
                "type": "about:blank",
                "detail": "Something went wrong on our side. Tell us the request id.",
            },
        ),
    ],
)
def test_errors_are_problem_documents(edge: AppClient, what: str, expected: dict[str, Any]) -> None:
    answer = edge.get(f"/probe/raise/{what}")
    document = answer.json()
    assert answer.status_code == expected["status"]
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert document.items() >= expected.items()
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["instance"] == f"urn:gatehouse:request:{document['request_id']}"
    assert "hunter2" not in answer.text


def test_unknown_paths_and_methods_are_problems_too(edge: AppClient) -> None:
    missing = edge.get("/nowhere")
    assert (missing.status_code, missing.json()["title"]) == (404, "Not Found")
    wrong = edge.post("/api/health")
    assert (wrong.status_code, wrong.json()["title"]) == (405, "Method Not Allowed")
    assert wrong.headers["allow"] in {"GET", "HEAD"}


def test_a_problem_keeps_its_headers(edge: AppClient) -> None:
    assert edge.get("/probe/raise/problem").headers["retry-after"] == "3"


def test_invalid_input_is_listed_without_its_value(edge: AppClient) -> None:
    answer = edge.post("/probe/number", json={"number": "my pipe burst"})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["where"] == "body.number"
    assert "my pipe burst" not in answer.text


def test_a_bug_is_logged_once_and_redacted(edge: AppClient, log_lines: io.StringIO) -> None:
    answer = edge.get("/probe/raise/bug")
    lines = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    bug, access = [line for line in lines if line["event"].startswith("http.")]
    assert (bug["event"], bug["request_id"]) == ("http.unhandled_error", answer.json()["request_id"])
    assert "RuntimeError" in bug["exception"]
    assert "5550006" not in log_lines.getvalue()
    assert access["event"] == "http.request"


def test_each_request_leaves_an_access_line(edge: AppClient, log_lines: io.StringIO) -> None:
    edge.get("/probe/raise/problem?token=abc123secret")
    (line,) = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    assert line["latency_ms"] >= 0
    assert (line["method"], line["route"], line["status"]) == ("GET", "/probe/raise/{what}", 429)
    assert "abc123secret" not in log_lines.getvalue()


def requests_counted(route: str, method: str, status: str) -> float:
    labels = {"route": route, "method": method, "status": status}
    return REGISTRY.get_sample_value("gatehouse_http_requests_total", labels) or 0.0


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/probe/raise/problem", ("/probe/raise/{what}", "GET", "429")),
        ("GET", "/someone/+15005550006", ("unmatched", "GET", "404")),
        ("BREW", "/api/health", ("/api/health", "other", "405")),
        ("GET", "/assets/gatehouse.css", ("/assets", "GET", "200")),
    ],
)
def test_requests_are_counted_by_template(
    edge: AppClient, method: str, path: str, labels: tuple[str, str, str]
) -> None:
    before = requests_counted(*labels)
    edge.request(method, path)
    assert requests_counted(*labels) == before + 1


@pytest.mark.parametrize(
    ("hops", "forwarded", "seen"),
    [
        (0, "203.0.113.7", "192.0.2.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7", "198.51.100.1"),
        (1, "203.0.113.7:4711", "203.0.113.7"),
        (1, "[2001:db8::7]:4711", "2001:db8::7"),
        (1, "::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_the_client_is_who_our_outermost_proxy_saw(
    unconnected: MakeSettings, hops: int, forwarded: str, seen: str
) -> None:
    app = create_app(unconnected(trusted_proxy_hops=hops))
    routes_for_tests(app)
    assert AppClient(app).get("/probe/who", headers={"X-Forwarded-For": forwarded}).json() == seen


@pytest.mark.parametrize(
    ("hops", "forwarded"), [(2, "203.0.113.7"), (1, "not-an-address"), (1, "203.0.113.7, "), (1, ""), (1, None)]
)
@pytest.mark.parametrize("path", ["/probe/who", "/sign-in", "/api/widget/config/x/y", "/unsubscribe/x"])
def test_who_cannot_be_told_is_turned_away_and_shares_no_address(
    unconnected: MakeSettings, hops: int, forwarded: str | None, path: str
) -> None:
    app = create_app(unconnected(trusted_proxy_hops=hops))
    routes_for_tests(app)
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    before = REGISTRY.get_sample_value("gatehouse_unknown_callers_total") or 0
    answer = AppClient(app).get(path, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:gatehouse:problem:caller")
    assert "GATEHOUSE_TRUSTED_PROXY_HOPS" in answer.json()["detail"]
    assert REGISTRY.get_sample_value("gatehouse_unknown_callers_total") == before + 1


def test_probes_and_signed_webhooks_need_no_address(unconnected: MakeSettings) -> None:
    client = AppClient(create_app(unconnected(trusted_proxy_hops=1)))
    assert client.get("/api/health").status_code == 200
    assert client.post("/webhooks/twilio/sms", data={"From": "+15005550001"}).status_code == 403


def test_a_stream_that_is_cut_short_ends_properly(unconnected: MakeSettings) -> None:
    app = create_app(unconnected())
    sent: list[Message] = []

    @app.get("/probe/events")
    async def events() -> Response:
        return CutStream()

    async def run() -> None:
        transport = httpx.ASGITransport(recording(app, sent))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            await client.get("/probe/events")

    anyio.run(run)
    assert [(message.get("body"), message.get("more_body")) for message in sent[1:]] == [
        (b"data: 1", True),
        (b"", False),
    ]


class CutStream(Response):
    """A stream of events that ends as on a shutdown: without a last message."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Send a beginning."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: 1", "more_body": True})


def recording(app: ASGIApp, sent: list[Message]) -> ASGIApp:
    async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
        async def keep(message: Message) -> None:
            sent.append(message)
            await send(message)

        await app(scope, receive, keep)

    return recorded
