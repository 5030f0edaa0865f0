"""How a browser gets at the operators' pages: it shows the admin token once and gets a cookie."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from api.deps import AdminSession, SettingsDep
from api.pages import page

router = APIRouter(include_in_schema=False)

_HOME: Final = "/dashboard/journeys"


@router.get("/")
def home() -> Response:
    """Lead operators to their pages."""
    return RedirectResponse(_HOME, status_code=303)


@router.get("/sign-in")
def form(settings: SettingsDep, wanted: Annotated[str, Query(alias="next", max_length=2048)] = _HOME) -> Response:
    """Show the form."""
    problem = "This installation has no admin token, so nobody can sign in." if AdminSession(settings).is_closed else ""
    return page("sign_in.html", 403 if problem else 200, problem=problem, next=_local(wanted))


@router.post("/sign-in")
def sign_in(
    settings: SettingsDep,
    token: Annotated[str, Form(max_length=512)] = "",
    wanted: Annotated[str, Form(alias="next", max_length=2048)] = _HOME,
) -> Response:
    """Check the token and go where the visitor wanted to."""
    session = AdminSession(settings)
    if not session.accepts(token.strip()):
        return page("sign_in.html", 401, problem="That is not the admin token.", next=_local(wanted))
    response = RedirectResponse(_local(wanted), status_code=303)
    session.open(response)
    return response


@router.post("/sign-out")
def sign_out(request: Request, settings: SettingsDep) -> Response:
    """Forget this browser."""
    session = AdminSession(settings)
    response = RedirectResponse("/sign-in", status_code=303)
    if session.is_open(request):
        session.end(response)
    return response


def _local(path: str) -> str:
    """Return a path of this site; what a browser could read as another site becomes the operators' first page."""
    plain = path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isprintable()
    return path if plain else _HOME
