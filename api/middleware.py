"""What surrounds every request: its id, log context, client address, limits, headers, figures, and the last net.

Plain ASGI, because the ingest routes pay for every layer.
"""

from __future__ import annotations

import re
from functools import cache
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from structlog.contextvars import bind_contextvars, reset_contextvars

from api.edge.forwarded import caller
from api.edge.headers import FOR_DATA, FOR_PAGES, HTTPS_ONLY, rate_headers
from api.errors import ProblemError, problem_response
from api.pages import problem_answer
from config.error_reports import report_error
from config.telemetry import HTTP_REQUEST_SECONDS, HTTP_REQUESTS, UNMATCHED
from config.tracing import TRACING
from domain.kernel.ids import new_id
from domain.kernel.recent_errors import note_error

if TYPE_CHECKING:
    from uuid import UUID

    from prometheus_client import Counter, Histogram
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES: Final = 64 * 1024
_LARGER: Final = {"/webhooks/ses": 256 * 1024 + 16 * 1024}
"""Amazon SNS posts messages of up to 256 KiB, in an envelope."""
_CLIENT_CLOSED_REQUEST: Final = 499
_REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES: Final = frozenset({"/api/health", "/api/health/ready"})
_log = structlog.get_logger("api")


class Boundary:
    """Gives a request its id, context, headers, access line and figures, and answers 500 when nothing else did."""

    def __init__(self, app: ASGIApp, *, proxy_hops: int = 0, https: bool = False) -> None:
        self._app = app
        self._proxy_hops = proxy_hops
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        # What a request brings in has its id, unless the caller gave that: others may have given the same one.
        made = new_id()
        request_id = _given_id(_header(scope, b"x-request-id")) or str(made)
        scope.setdefault("state", {}).update(request_id=request_id, made_id=made)
        if self._proxy_hops:
            seen = caller(scope["headers"], self._proxy_hops)
            scope["client"] = None if seen is None else (seen, 0)
        answer = _Answer(send, scope["state"], https=self._https)
        tokens = bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, answer)
            await answer.end_stream()
        except ClientDisconnect:
            pass  # Nobody is left to answer.
        except Exception as error:
            _log.exception("http.unhandled_error", route=_route(scope))
            note_error("http", error)
            report_error(error, route=_route(scope), method=_method(scope))
            if answer.status:
                raise  # Too late for a problem document: the server cuts the connection, so the client sees it broken.
            await _last_words(scope, request_id)(scope, receive, answer)
        finally:
            seconds = perf_counter() - begun
            _record(scope, answer.status or _CLIENT_CLOSED_REQUEST, seconds, streamed=answer.streams)
            reset_contextvars(**tokens)


class _Answer:
    """The way of an answer's messages to the server; knows the status, 0 before there is one, and if it is endless."""

    def __init__(self, send: Send, state: dict[str, Any], *, https: bool) -> None:
        self._send = send
        self._state = state
        self._https = https
        self.streams = False
        self._open = False
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Send one message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._complete(message)
        self._open = message.get("more_body", False)
        await self._send(message)

    async def end_stream(self) -> None:
        """End a stream of events that was cut short, as at shutdown, so that the server does not call it an error."""
        if self._open and self.streams:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _complete(self, message: Message) -> None:
        """Add the headers that every answer has; a route that set one itself knows better."""
        headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
        given = dict(headers)
        kind = given.get(b"content-type", b"")
        self.streams = kind.startswith(b"text/event-stream")
        headers.append((b"x-request-id", self._state["request_id"].encode()))
        ours = FOR_PAGES if kind.startswith(b"text/html") else FOR_DATA
        headers.extend(header for header in ours if header[0] not in given)
        if "standings" in self._state:
            headers.extend(rate_headers(self._state["standings"]))
        if self._https and HTTPS_ONLY[0] not in given:
            headers.append(HTTPS_ONLY)
        message["headers"] = headers


class BodyLimit:
    """Refuses a request body over `limit` bytes with 413, by its declared length or else as it streams in."""

    def __init__(self, app: ASGIApp, *, limit: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _LARGER.get(scope["path"], self._limit)
        declared = _header(scope, b"content-length") or b"0"
        if declared.isdigit() and int(declared[:20]) > limit:
            await problem_answer(scope, _too_large(limit))(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # The framework passes this kind on unchanged while it reads a body or a form.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large(limit).detail)
            return message

        await self._app(scope, counted, send)


def _last_words(scope: Scope, request_id: str) -> Response:
    problem = ProblemError(500, "Something went wrong on our side. Tell us the request id.")
    try:
        return problem_answer(scope, problem)
    except Exception:  # noqa: BLE001 - it may be the pages themselves that are broken
        _log.exception("http.no_page_for_an_error")
        return problem_response(problem, request_id)


def _too_large(limit: int) -> ProblemError:
    return ProblemError(413, f"The body is larger than {limit} bytes.", headers={"connection": "close"})


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    for name, value in scope["headers"]:
        if name == wanted:
            return cast("bytes", value)
    return None


def _given_id(given: bytes | None) -> str | None:
    """Return the caller's id for this request when it is a plain one, so that traces join up."""
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else None


def _route(scope: Scope) -> str:
    """Return the template that matched, or the place of a mounted application (`/assets`)."""
    return getattr(scope.get("route"), "path", None) or scope.get("root_path") or UNMATCHED


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "other"


@cache
def _figures(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """Return the counter and the histogram of these labels, of which there are only so many."""
    return HTTP_REQUESTS.labels(route, method, str(status)), HTTP_REQUEST_SECONDS.labels(route)


def _record(scope: Scope, status: int, seconds: float, *, streamed: bool) -> None:
    route, method = _route(scope), _method(scope)
    counter, histogram = _figures(route, method, status)
    counter.inc()
    if not streamed:
        histogram.observe(seconds)  # A stream lasts for as long as somebody listens.
    correlation_id: UUID | None = scope["state"].get("correlation_id")
    if correlation_id is not None:
        TRACING.ingested(correlation_id, route, method, status, seconds)
    write = _log.debug if route in _PROBES else _log.info
    write("http.request", method=method, route=route, status=status, latency_ms=round(seconds * 1000, 2))
