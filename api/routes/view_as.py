"""Seeing the pages as somebody of a client does, for some minutes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.access.browser import VIEW_AS, known_browser, now_of
from api.access.requires import Access, requires
from api.access.signed_in import Myself, signed_in
from api.deps import DatabaseDep, SettingsDep
from api.errors import ProblemError
from domain.access.view_as import View, start_view, stop_view
from domain.clients.models import Client
from domain.kernel.errors import ConflictError

if TYPE_CHECKING:
    from domain.access.authorize import RoleBook

router = APIRouter(tags=["View as"])
_HOME: Final = "/dashboard/journeys"
_STOPPING: Final = signed_in("whoever looks in may stop, whatever else they may do meanwhile")


class NewView(BaseModel):
    """As which client, for how long and why. Nothing can be changed unless `writes` says so."""

    model_config = ConfigDict(extra="forbid")

    client_id: UUID
    minutes: Annotated[int, Field(ge=1, le=60)] = 15
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    writes: bool = False


class ViewDocument(BaseModel):
    """As which client the pages are seen now, and until when."""

    client_id: UUID
    client_name: str | None
    until: datetime
    writes: bool


@router.post("/api/v1/view-as", status_code=201)
def start(
    new: NewView,
    request: Request,
    settings: SettingsDep,
    database: DatabaseDep,
    access: Annotated[Access, requires(VIEW_AS)],
) -> ViewDocument:
    """See the pages as somebody of a client does. For people who signed in with a browser."""
    browser = known_browser(request)
    if browser is None:
        raise ProblemError(409, "Only somebody who signed in with a browser can view as a client.", kind="browser-only")
    with access.client_scope(new.client_id) as session:
        org_id, name = session.execute(select(Client.org_id, Client.name).where(Client.id == new.client_id)).one()
    role = settings.view_as_writing_role if new.writes else settings.view_as_role
    if not _is_known(request.app.state.roles, role, org_id):
        raise ConflictError(f"The settings name {role!r} for this, which is no role here. See docs/signing-in.md.")
    now = now_of(request)
    view = View(org_id, new.client_id, name, now + timedelta(minutes=new.minutes), new.writes)
    with database.platform_scope() as session:
        until = start_view(session, access.actor, browser.session.token_hash, view, reason=new.reason, now=now)
    return ViewDocument(client_id=view.client_id, client_name=name, until=until, writes=view.writes)


@router.post("/dashboard/view-as", include_in_schema=False)
def start_from_page(
    request: Request,
    settings: SettingsDep,
    database: DatabaseDep,
    access: Annotated[Access, requires(VIEW_AS)],
    client_id: Annotated[UUID, Form()],
    reason: Annotated[str, Form(min_length=1, max_length=500)],
) -> Response:
    """Do the same from a client's page, without changing anything."""
    start(NewView(client_id=client_id, reason=reason), request, settings, database, access)
    return RedirectResponse(_HOME, status_code=303)


@router.delete("/api/v1/view-as", status_code=204)
def stop(database: DatabaseDep, me: Annotated[Myself, _STOPPING]) -> Response:
    """See the pages as oneself again."""
    _stop(database, me)
    return Response(status_code=204)


@router.post("/dashboard/view-as/stop", include_in_schema=False)
def stop_from_page(database: DatabaseDep, me: Annotated[Myself, _STOPPING]) -> Response:
    """Do the same from the banner."""
    _stop(database, me)
    return RedirectResponse(_HOME, status_code=303)


def _stop(database: DatabaseDep, me: Myself) -> None:
    with database.platform_scope() as session:
        stop_view(session, me.actor, me.browser.session.token_hash)


def _is_known(book: RoleBook, role: str, org_id: UUID) -> bool:
    return any(book.scope_of(role, permission, org_id) for permission in book.permissions)
