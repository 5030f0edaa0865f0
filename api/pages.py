"""Server-rendered pages: escaped templates, under a policy that allows only our own assets.

A template gets `csrf_token`, `csp_nonce`, `who` (None or the name and roles of who signed in), `view_as` (None or as
which client the pages are seen, and until when), `frame` (what stands around it: navigation, organization, colours),
`said` (a message of the page before) and `theme`. Without `request` these are empty: right for a page to which it makes
no difference who reads it, and which changes nothing. How a page is written says docs/dashboard.md.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from api import csrf
from api.access.browser import known_browser, set_cookie
from api.dashboard.files import asset
from api.dashboard.flash import said, was_said
from api.dashboard.frame import frame_of, theme_of, viewer_of
from api.dashboard.icons import icon_href
from api.dashboard.viewer import Viewer, drawn_for, viewer
from api.dashboard.words import FILTERS
from api.errors import ProblemError, on_http, problem_response

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import Scope

    from api.access.browser import Browser
    from config.settings import Settings

_TEMPLATES: Final = Path(__file__).parent / "dashboard" / "templates"
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)

templates: Final = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.globals |= {"asset": asset, "icon_href": icon_href, "viewer": viewer}
templates.filters |= FILTERS


@dataclass(frozen=True, slots=True)
class Who:
    """Who signed in, in words."""

    name: str
    roles: str


class _Token:
    """The token for a page's changes, made when the template asks for it.

    Only then does a browser without a session need a cookie to bind it to; `fresh` is what that has to hold.
    """

    def __init__(self, request: Request, browser: Browser | None) -> None:
        self._settings: Settings = request.app.state.settings
        self._held = browser.token if browser else csrf.pre_session_secret(request, self._settings)
        self.fresh: str | None = None

    def __str__(self) -> str:
        if self._held is None:
            self._held = self.fresh = csrf.new_secret()
        return csrf.token_for(self._settings, self._held)

    def let_hold(self, response: Response) -> None:
        """Give the browser its cookie, if it needs one."""
        if self.fresh is not None:
            set_cookie(response, self._settings, self.fresh, name=csrf.PRE_SESSION)


def page(template: str, /, status: int = 200, *, request: Request | None = None, **context: object) -> HTMLResponse:
    """Return a page that no cache keeps. A name that the template uses and `context` lacks is an error.

    With `request` it knows who reads it, and its forms can be sent.
    """
    nonce = secrets.token_urlsafe(16)
    browser = known_browser(request) if request else None
    token = _Token(request, browser) if request else None
    message = said(request) if request else None
    about = {
        "csp_nonce": nonce,
        "csrf_token": token or "",
        "who": _who(browser),
        "view_as": browser.view if browser else None,
        "frame": frame_of(request) if request else None,
        "theme": theme_of(request) if request else None,
        "said": message,
    }
    with drawn_for(viewer_of(request, token) if request else Viewer()):
        response = HTMLResponse(templates.get_template(template).render(about | context), status)
    response.headers["content-security-policy"] = _POLICY.format(nonce=nonce)
    response.headers["cache-control"] = "no-store"
    if token:
        token.let_hold(response)
    if request and message:
        was_said(request, response)
    return response


def answer_with_pages(app: FastAPI) -> None:
    """Show problems as pages to who reads pages; programs keep getting documents."""
    app.state.answer_problem = _as_page
    app.add_exception_handler(HTTPException, _on_http)


def problem_answer(scope: Scope, problem: ProblemError, *, request: Request | None = None) -> Response:
    """Return a problem as whoever asked reads it; with `request` the page knows who that is."""
    request_id = scope.get("state", {}).get("request_id")
    if problem.status < 400 or not _reads_pages(scope):  # noqa: PLR2004 - what is no error leads elsewhere
        return problem_response(problem, request_id)
    about = {"words": str(problem), "request_id": request_id, "forbidden": problem.status == HTTPStatus.FORBIDDEN}
    response = page("problem.html", problem.status, request=request, **about)
    response.headers.update(problem.headers or {})
    return response


def _as_page(request: Request, problem: ProblemError) -> Response:
    return problem_answer(request.scope, problem, request=request)


async def _on_http(request: Request, error: Exception) -> Response:
    if cast("HTTPException", error).status_code == HTTPStatus.NOT_FOUND and _reads_pages(request.scope):
        return problem_answer(request.scope, ProblemError(404, "There is no such page."), request=request)
    return await on_http(request, error)


def _reads_pages(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "") and not scope["path"].startswith("/api/")


def _who(browser: Browser | None) -> Who | None:
    if browser is None:
        return None
    return Who(browser.session.email or browser.session.name, browser.principal.role.replace("_", " "))
