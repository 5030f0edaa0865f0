"""Whose browser this is: the cookie of a session, from sign-in to sign-out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from api.access import admin_token
from domain.access.authorize import reach
from domain.access.principal import Grant, Principal
from domain.access.sessions import FoundSession, Owner, end_session, find_session, open_session
from domain.access.view_as import View, end_overdue

if TYPE_CHECKING:
    from datetime import datetime

    from fastapi import Request
    from sqlalchemy.orm import Session
    from starlette.responses import Response

    from config.settings import Settings
    from domain.access.authorize import RoleBook
    from domain.kernel.database import Database

VIEW_AS: Final = "clients.view_as"
_LONGEST_TOKEN: Final = 128


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that signed in. `principal` is who it acts as: its `holder`, or somebody of the client in `view`."""

    token: str
    session: FoundSession
    holder: Principal
    principal: Principal
    view: View | None

    @property
    def role(self) -> str:
        """The roles in words, for the audit log: also those that whoever looks in has of their own."""
        return f"{self.holder.role} as {self.principal.role}" if self.view else self.principal.role

    @property
    def owner(self) -> Owner:
        """Whose sessions this one belongs with."""
        return Owner(self.session.user_id, self.session.admin_token_mark)


def cookie_name(settings: Settings, name: str = "gatehouse") -> str:
    """Return a cookie's name. Over https it has the prefix that keeps other hosts and plain http from setting it."""
    return f"__Host-{name}" if _https(settings) else name


def set_cookie(
    response: Response, settings: Settings, value: str, *, name: str = "gatehouse", seconds: int | None = None
) -> None:
    """Give a browser a cookie that no script and no other site can read; without `seconds` it ends with the browser."""
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_https(settings),
    )


def clear_cookie(response: Response, settings: Settings, name: str = "gatehouse") -> None:
    """Take a cookie away."""
    response.delete_cookie(
        cookie_name(settings, name), path="/", httponly=True, samesite="lax", secure=_https(settings)
    )


def session_token(request: Request, settings: Settings) -> str | None:
    """Return what the browser holds, whether or not it is anything."""
    token = request.cookies.get(cookie_name(settings))
    return token if token and len(token) <= _LONGEST_TOKEN else None


def browser_of(request: Request, settings: Settings, database: Database) -> Browser | None:
    """Return the browser that sent a request, None for one that has not signed in. Asks the database once a request."""
    if not hasattr(request.state, "browser"):
        request.state.browser = _find(request, settings, database)
    found: Browser | None = request.state.browser
    return found


def known_browser(request: Request) -> Browser | None:
    """Return the browser that `browser_of` has found for this request, for what is drawn around a page."""
    return getattr(request.state, "browser", None)


def principal_of(request: Request, settings: Settings, database: Database) -> Principal | None:
    """Return who signed in with this browser, None for nobody."""
    browser = browser_of(request, settings, database)
    return browser.principal if browser else None


def reporting_in(request: Request, principal: Principal, org_id: UUID | None) -> Principal:
    """Return who asks, with those who report to them in an organization: what holds in one counts in no other."""
    browser = known_browser(request)
    if browser is None or browser.view is not None:
        return principal
    return replace(principal, reports=frozenset(user for org, user in browser.session.reports if org == org_id))


def open_browser(
    request: Request,
    settings: Settings,
    session: Session,
    *,
    user_id: UUID | None,
    standing: str = "",
    second_factor: bool = False,
) -> str:
    """Open a session for a user, or without one for a holder of the admin token; return what the cookie has to hold.

    Whatever session the browser had before ends, and its cookie's value is not used again. Raises TurnedAwayError when
    what `standing` marks was changed since it was checked.
    """
    token = open_session(
        session,
        user_id=user_id,
        standing=standing,
        now=now_of(request),
        ip=request.client.host if request.client else None,
        user_agent=request.headers.get("user-agent"),
        second_factor=second_factor,
        admin_token_mark=admin_token.mark_of(settings) if user_id is None else None,
        lifetime=timedelta(hours=settings.session_hours),
    )
    before = session_token(request, settings)
    if before is not None:
        end_session(session, before)
    return token


def hold(response: Response, settings: Settings, token: str) -> None:
    """Let the browser that gets `response` hold a session's token, for as long as the session can last."""
    set_cookie(response, settings, token, seconds=settings.session_hours * 3600)


def forget(response: Response, settings: Settings) -> None:
    """Let the browser that gets `response` forget its session, and everything that it kept of the pages."""
    clear_cookie(response, settings)
    response.headers["clear-site-data"] = '"cache", "storage"'


def now_of(request: Request) -> datetime:
    """Return the time by the application's clock."""
    now: datetime = request.app.state.clock.now()
    return now


def _find(request: Request, settings: Settings, database: Database) -> Browser | None:
    token = session_token(request, settings)
    if token is None:
        return None
    now = now_of(request)
    with database.platform_scope() as session:
        found = find_session(session, token, now, timedelta(minutes=settings.session_idle_minutes))
        if found is not None and found.view_ran_out:
            end_overdue(session, now, found.token_hash)
    if found is None or (found.user_id is None and not admin_token.is_mark(settings, found.admin_token_mark)):
        return None
    own = _own(found)
    view = found.view if found.view and _may_view(request.app.state.roles, own, found.view) else None
    return Browser(token, found, own, _seen_as(own, view, settings) if view else own, view)


def _own(found: FoundSession) -> Principal:
    if found.user_id is None:
        return admin_token.HOLDER
    return Principal(kind="user", name=found.name, grants=found.grants, id=found.user_id)


def _may_view(book: RoleBook, own: Principal, view: View) -> bool:
    """Whether its holder may still look in: what is taken from a person also ends what they began with it."""
    within = reach(book, own, VIEW_AS, view.org_id)
    return within is not None and within.includes(client_id=view.client_id)


def _seen_as(own: Principal, view: View, settings: Settings) -> Principal:
    role = settings.view_as_writing_role if view.writes else settings.view_as_role
    return Principal(
        kind=own.kind,
        name=own.name,
        grants=(Grant(role, view.org_id, view.client_id),),
        id=own.id,
        org_id=view.org_id,
        read_only=not view.writes,
    )


def _https(settings: Settings) -> bool:
    return settings.public_url.startswith("https://")
