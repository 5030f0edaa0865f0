"""How a browser gets at the pages: by a password and a second factor, or by the admin token; and how it leaves again.

Whatever is wrong with what somebody sent, they are told no more than a stranger may know.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from api.access import admin_token
from api.access.browser import browser_of, forget, hold, now_of, open_browser
from api.access.requires import actor_of, public
from api.access.sealed_cookies import SealedCookie
from api.access.visitor import visitor_of
from api.csrf import SentToken, check_session, from_our_page
from api.deps import DatabaseDep, SettingsDep
from api.pages import page
from domain.access.sessions import end_session
from domain.access.sign_in import (
    Accepted,
    Locked,
    NeedsSecondFactor,
    Refused,
    SignIn,
    check_code_sign_in,
    check_password_sign_in,
    turn_away,
)
from domain.access.standing import TurnedAwayError
from domain.audit.record import Act, record
from providers.registry import build_sealer

if TYPE_CHECKING:
    from datetime import datetime

    from config.settings import Settings
    from domain.kernel.database import Database

router = APIRouter(include_in_schema=False)

HOME: Final = "/dashboard/journeys"
ASKED: Final = SealedCookie("gatehouse-code", b"gatehouse second factor v1", seconds=300)
"""Whose password was right, until their code is."""
_ANYBODY: Final = public("lets people in, who are nobody before that; takes a token of its own page")
_WRONG_TOKEN: Final = "That is not the admin token."  # noqa: S105 - words, not a token
_BEGIN_AGAIN: Final = "That took too long, or this browser takes no cookies. Begin again."

Next = Annotated[str, Query(alias="next", max_length=2048)]
FormNext = Annotated[str, Form(alias="next", max_length=2048)]


@router.get("/", dependencies=[public("leads on, and tells nothing")])
def home() -> Response:
    """Lead people to their pages."""
    return RedirectResponse(HOME, status_code=303)


@router.get("/sign-in", dependencies=[_ANYBODY])
def form(request: Request, settings: SettingsDep, wanted: Next = HOME, way: str = "") -> Response:
    """Show the form of an account, or of the admin token (`way=token`)."""
    return sign_in_page(request, settings, wanted, by_token=way == "token")


@router.post("/sign-in", dependencies=[_ANYBODY, from_our_page])
def sign_in(
    request: Request,
    settings: SettingsDep,
    database: DatabaseDep,
    email: Annotated[str, Form(max_length=512)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
    token: Annotated[str, Form(max_length=512)] = "",
    wanted: FormNext = HOME,
) -> Response:
    """Check what was sent, and go where the visitor wanted to, or on to their second factor."""
    request.app.state.quotas.count_sign_in(request, None if token else email)
    if token:
        return _by_token(request, settings, database, token.strip(), wanted)
    came_to = check_password_sign_in(database, email, password, now_of(request), visitor_of(request))
    return answer(request, settings, database, came_to, wanted, email=email)


@router.get("/sign-in/code", dependencies=[_ANYBODY])
def code_form(request: Request, settings: SettingsDep) -> Response:
    """Ask for the second factor."""
    if ASKED.read(request, settings) is None:
        return sign_in_page(request, settings, HOME, 401, problem=_BEGIN_AGAIN)
    return page("sign_in_code.html", request=request, problem="")


@router.post("/sign-in/code", dependencies=[_ANYBODY, from_our_page])
def code(
    request: Request,
    settings: SettingsDep,
    database: DatabaseDep,
    given: Annotated[str, Form(alias="code", max_length=64)] = "",
) -> Response:
    """Check the second factor of somebody whose password was right."""
    asked = ASKED.read(request, settings)
    if asked is None:
        return sign_in_page(request, settings, HOME, 401, problem=_BEGIN_AGAIN)
    request.app.state.quotas.count_sign_in(request, asked["user"])
    now = now_of(request)
    needed = NeedsSecondFactor(UUID(asked["user"]), asked.get("standing", ""))
    came_to = check_code_sign_in(
        database, needed, given, now, sealer=build_sealer(settings), origin=visitor_of(request)
    )
    if isinstance(came_to, Accepted):
        return answer(request, settings, database, came_to, asked["next"], second_factor=True)
    return page("sign_in_code.html", 401, request=request, problem=_words(came_to, now))


@router.post("/sign-out", dependencies=[public("ends the session of the browser that asks, and takes its token")])
def sign_out(request: Request, settings: SettingsDep, database: DatabaseDep, sent: SentToken) -> Response:
    """End this browser's session.

    One without a session is told to forget nothing: its cookie may only have stayed behind, because another site asks.
    """
    response = RedirectResponse("/sign-in", status_code=303)
    browser = browser_of(request, settings, database)
    if browser is None:
        return response
    check_session(request, settings, sent)
    kind, who = browser.principal.kind, browser.principal.id
    with database.platform_scope() as session:
        end_session(session, browser.token)
        record(session, actor_of(request, browser.principal), Act(f"{kind}.sign_out", kind, str(who or kind)))
    forget(response, settings)
    return response


def sign_in_page(
    request: Request,
    settings: Settings,
    wanted: str,
    status: int = 200,
    *,
    problem: str = "",
    by_token: bool = False,
    email: str = "",
) -> Response:
    """Return the page with the ways in."""
    return page(
        "sign_in.html",
        status,
        request=request,
        problem=problem,
        next=local(wanted),
        by_token=by_token,
        email=email,
        has_token=settings.admin_token is not None,
        has_provider=settings.oidc.issuer is not None,
    )


def answer(
    request: Request,
    settings: Settings,
    database: Database,
    came_to: SignIn,
    wanted: str,
    *,
    email: str = "",
    second_factor: bool = False,
) -> Response:
    """Return what a browser gets to see after it said who its reader is."""
    if isinstance(came_to, Accepted):
        try:
            token = _open(request, settings, database, came_to, second_factor=second_factor)
        except TurnedAwayError as error:
            turn_away(database, came_to, str(error), visitor_of(request))
            return sign_in_page(request, settings, wanted, 401, problem=str(error), email=email)
        response = RedirectResponse(local(wanted), status_code=303)
        hold(response, settings, token)
        ASKED.clear(response, settings)
        return response
    if isinstance(came_to, NeedsSecondFactor):
        response = RedirectResponse("/sign-in/code", status_code=303)
        held = {"user": str(came_to.user_id), "standing": came_to.standing, "next": local(wanted)}
        ASKED.put(request, response, settings, held)
        return response
    words = _words(came_to, now_of(request))
    return sign_in_page(request, settings, wanted, 401, problem=words, email=email)


def local(path: str) -> str:
    """Return a path of this site; what a browser could read as another site becomes the first page."""
    plain = path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isprintable()
    return path if plain else HOME


def _open(request: Request, settings: Settings, database: Database, accepted: Accepted, *, second_factor: bool) -> str:
    with database.platform_scope() as session:
        return open_browser(
            request,
            settings,
            session,
            user_id=accepted.user_id,
            standing=accepted.standing,
            second_factor=second_factor,
        )


def _by_token(request: Request, settings: Settings, database: Database, token: str, wanted: str) -> Response:
    right = admin_token.accepts(settings, token)
    actor = actor_of(request, admin_token.HOLDER) if right else visitor_of(request)
    opened = ""
    with database.platform_scope() as session:
        record(
            session,
            actor,
            Act("admin_token.sign_in" if right else "admin_token.sign_in_failed", "admin_token", "admin_token"),
        )
        if right:
            opened = open_browser(request, settings, session, user_id=None)
    if not right:
        return sign_in_page(request, settings, wanted, 401, problem=_WRONG_TOKEN, by_token=True)
    response = RedirectResponse(local(wanted), status_code=303)
    hold(response, settings, opened)
    return response


def _words(came_to: Refused | Locked | NeedsSecondFactor, now: datetime) -> str:
    if isinstance(came_to, Locked):
        minutes = max(1, math.ceil((came_to.until - now).total_seconds() / 60))
        return f"There were too many wrong tries. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
    return came_to.words if isinstance(came_to, Refused) else "One more step is needed."
