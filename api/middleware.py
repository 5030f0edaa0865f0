"""What surrounds every request: its id, log context, client address, limits, headers, figures, and the last net.

Plain ASGI, because the ingest routes pay for every layer.
"""

from __future__ import annotations

import ipaddress
import re
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from structlog.contextvars import bind_contextvars, reset_contextvars

from api.errors import ProblemError, problem_response
from config.telemetry import HTTP_REQUEST_SECONDS, HTTP_REQUESTS, UNMATCHED, report_error
from domain.kernel.ids import new_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES: Final = 64 * 1024
_CLIENT_CLOSED_REQUEST: Final = 499
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
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
        headers = Headers(scope=scope)
        request_id = _request_id(headers.get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        if self._proxy_hops:
            scope["client"] = _client(headers, self._proxy_hops) or scope.get("client")
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(message, request_id)
            await send(message)

        tokens = bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            _log.exception("http.unhandled_error", route=_route(scope))
            report_error(error)
            if status:
                raise  # Too late for a problem document: the server cuts the connection, so the client sees it broken.
            detail = "Something went wrong on our side. Tell us the request id."
            await problem_response(ProblemError(500, detail), request_id)(scope, receive, answer)
        finally:
            _record(scope, status or _CLIENT_CLOSED_REQUEST, perf_counter() - begun)
            reset_contextvars(**tokens)

    def _complete(self, message: Message, request_id: str) -> None:
        """Add the headers that every answer has; a route that set one itself knows better."""
        headers = MutableHeaders(scope=message)
        headers["x-request-id"] = request_id
        page = headers.get("content-type", "").startswith("text/html")
        headers.setdefault("content-security-policy", _PAGE_POLICY if page else _DATA_POLICY)
        headers.setdefault("x-content-type-options", "nosniff")
        headers.setdefault("referrer-policy", "same-origin")
        headers.setdefault("cache-control", "no-store")
        if self._https:
            headers.setdefault("strict-transport-security", "max-age=31536000")


_PAGE_POLICY: Final = (
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)
_DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"


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
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._limit:
            await problem_response(self._too_large(), scope["state"]["request_id"])(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                # The framework passes this kind on unchanged while it reads a body or a form.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large().detail)
            return message

        await self._app(scope, counted, send)

    def _too_large(self) -> ProblemError:
        return ProblemError(413, f"The body is larger than {self._limit} bytes.", headers={"connection": "close"})


def _request_id(given: str | None) -> str:
    """Return the caller's id for this request when it is a plain one, so that traces join up, else a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else str(new_id())


def _client(headers: Headers, hops: int) -> tuple[str, int] | None:
    """Return the address that the outermost of our own proxies saw, if all of them have left their mark."""
    seen = [part.strip() for value in headers.getlist("x-forwarded-for") for part in value.split(",")]
    if len(seen) < hops:
        return None
    try:
        return str(ipaddress.ip_address(seen[-hops])), 0
    except ValueError:
        return None


def _route(scope: Scope) -> str:
    """Return the template that matched, or the place of a mounted application (`/assets`)."""
    return getattr(scope.get("route"), "path", None) or scope.get("root_path") or UNMATCHED


def _record(scope: Scope, status: int, seconds: float) -> None:
    route = _route(scope)
    method = scope["method"] if scope["method"] in _METHODS else "other"
    HTTP_REQUESTS.labels(route, method, str(status)).inc()
    HTTP_REQUEST_SECONDS.labels(route).observe(seconds)
    write = _log.debug if route in _PROBES else _log.info
    write("http.request", method=method, route=route, status=status, latency_ms=round(seconds * 1000, 2))
