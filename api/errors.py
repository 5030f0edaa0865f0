"""Errors as RFC 9457 problem documents: what is wrong, in words, with the request's id and nothing from inside."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import psycopg
import structlog
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api.refusals import is_refusal
from domain.access.delegation import ReachesTooFarError
from domain.kernel.errors import BusyError, ConflictError, InvalidInputError, NotFoundError
from domain.kernel.recent_errors import note_error
from domain.kernel.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

MEDIA_TYPE: Final = "application/problem+json"
_AWAY: Final = (OperationalError, InterfaceError, PoolTimeoutError)
_log = structlog.get_logger("api")
_STATUS_OF: Final[dict[type[Exception], int]] = {
    NotFoundError: 404,
    ConflictError: 409,
    InvalidInputError: 422,
    ReachesTooFarError: 403,
    BusyError: 503,
}


class ProblemError(Exception):
    """Ends a request with a problem document.

    `kind` names the sort of problem for programs (`urn:gatehouse:problem:<kind>`); without it the status says it all.
    `detail` is shown to whoever asked, so it holds nothing secret. `members` are added to the document.
    """

    def __init__(
        self,
        status: int,
        detail: str | None = None,
        *,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail or HTTPStatus(status).phrase)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.headers = headers
        self.members = members or {}


def problem_response(error: ProblemError, request_id: str | None) -> Response:
    """Return the answer for a problem."""
    document: dict[str, Any] = {
        "type": f"urn:gatehouse:problem:{error.kind}" if error.kind else "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
    }
    if error.detail:
        document["detail"] = error.detail
    if request_id:
        document |= {"instance": f"urn:gatehouse:request:{request_id}", "request_id": request_id}
    return JSONResponse(document | dict(error.members), error.status, error.headers, MEDIA_TYPE)


def answer_with_problems(app: FastAPI) -> None:
    """Make every error that a route of `app` raises on purpose a problem, answered by `app.state.answer_problem`."""
    app.state.answer_problem = _as_document
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    for kind in _STATUS_OF:
        app.add_exception_handler(kind, _on_domain)
    for away in _AWAY:
        app.add_exception_handler(away, _on_database_away)
    for unfit in (DataError, psycopg.DataError):
        app.add_exception_handler(unfit, _on_unfit_text)


def _answer(request: Request, error: ProblemError) -> Response:
    answer: Callable[[Request, ProblemError], Response] = request.app.state.answer_problem
    return answer(request, error)


def _as_document(request: Request, error: ProblemError) -> Response:
    return problem_response(error, getattr(request.state, "request_id", None))


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - Starlette calls a handler with its own kind only
    return _answer(request, error)


async def on_http(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses, such as an address that leads nowhere."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    if error.status_code < HTTPStatus.BAD_REQUEST:
        return Response(status_code=error.status_code, headers=error.headers)
    detail = None if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    return _answer(request, ProblemError(error.status_code, detail, headers=error.headers))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    errors = [
        {"where": ".".join(str(part) for part in found["loc"]), "problem": redact_text(str(found["msg"]))}
        for found in error.errors()
    ]
    detail = "The request does not have the right form."
    return _answer(request, ProblemError(422, detail, kind="invalid-request", members={"errors": errors}))


async def _on_domain(request: Request, error: Exception) -> Response:
    status = next(code for kind, code in _STATUS_OF.items() if isinstance(error, kind))
    return _answer(request, ProblemError(status, redact_text(str(error))))


async def _on_database_away(request: Request, error: Exception) -> Response:
    """Answer 503, which says that it is worth repeating; what the database refuses for good stays an error of ours."""
    if is_refusal(error):
        raise error
    note_error("database", error)
    _log.warning("http.database_away", error=type(error).__name__)
    detail = "The database does not answer just now. Try again in a moment."
    return _answer(request, ProblemError(503, detail, kind="database-away", headers={"retry-after": "2"}))


async def _on_unfit_text(request: Request, error: Exception) -> Response:
    """Answer 422 for a NUL, which no text in PostgreSQL holds: the driver says so, before the database is asked."""
    cause = error.orig if isinstance(error, DataError) else error
    if not isinstance(cause, psycopg.Error) or cause.sqlstate is not None:
        raise error
    return _answer(request, ProblemError(422, "A text holds a NUL, which can't be kept.", kind="invalid-request"))
