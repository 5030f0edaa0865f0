"""One's own sessions: where one is signed in, and ending that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from starlette.responses import Response

from api.access.browser import clear_cookie, now_of
from api.access.signed_in import Myself, signed_in
from api.deps import DatabaseDep, SettingsDep
from domain.access.sessions import end_listed, end_sessions, list_sessions, listed_as
from domain.audit.record import Act, record
from domain.kernel.errors import NotFoundError

router = APIRouter(tags=["Sessions"])
Me = Annotated[Myself, signed_in("everybody's own sessions are theirs")]
_ENDED: Final = "session.end"


class SessionDocument(BaseModel):
    """One browser that is signed in. `current`: the one that asks. `ip` is where it signed in."""

    id: str
    current: bool
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None


class SessionsDocument(BaseModel):
    """All of one's sessions, the one seen last first."""

    items: list[SessionDocument]


class EndedDocument(BaseModel):
    """How many sessions were ended."""

    ended: int


@router.get("/api/v1/sessions")
def sessions(request: Request, settings: SettingsDep, database: DatabaseDep, me: Me) -> SessionsDocument:
    """Return where one is signed in."""
    idle = timedelta(minutes=settings.session_idle_minutes)
    current = listed_as(me.browser.session.token_hash)
    with database.platform_scope() as session:
        listed = list_sessions(session, me.browser.owner, now_of(request), idle)
    return SessionsDocument(
        items=[
            SessionDocument(
                id=one.id,
                current=one.id == current,
                created_at=one.created_at,
                last_seen_at=one.last_seen_at,
                expires_at=one.expires_at,
                ip=one.ip,
                user_agent=one.user_agent,
            )
            for one in listed
        ]
    )


@router.delete("/api/v1/sessions")
def end_others(database: DatabaseDep, me: Me) -> EndedDocument:
    """End all of one's sessions but the one that asks."""
    with database.platform_scope() as session:
        ended = end_sessions(session, me.browser.owner, but=me.browser.session.token_hash)
        record(session, me.actor, Act(_ENDED, "session", "all others", after={"ended": ended}))
    return EndedDocument(ended=ended)


@router.delete("/api/v1/sessions/{session_id}", status_code=204)
def end_one(
    session_id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")],
    settings: SettingsDep,
    database: DatabaseDep,
    me: Me,
) -> Response:
    """End one of one's sessions, also the one that asks."""
    with database.platform_scope() as session:
        if not end_listed(session, me.browser.owner, session_id):
            raise NotFoundError("You have no such session.")
        record(session, me.actor, Act(_ENDED, "session", session_id))
    response = Response(status_code=204)
    if session_id == listed_as(me.browser.session.token_hash):
        clear_cookie(response, settings)
    return response
