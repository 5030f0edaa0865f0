"""Leads: a visitor leaves an address, and operators read them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from structlog.contextvars import bind_contextvars

from api.access.requires import Access, public, requires
from api.deps import DatabaseDep
from api.errors import ProblemError
from api.routes.widget import FOR_VISITORS, admitted_bot
from api.widget.bots import ServedBot
from api.widget.leads import LeadForm, LeadTaken, take_lead
from api.widget.origins import SharedRoute, preflight_headers
from domain.leads.browse import list_leads

if TYPE_CHECKING:
    from api.widget.chat import Chat
    from api.widget.limits import Limits

widget = APIRouter(tags=["Widget"], route_class=SharedRoute, dependencies=[public(FOR_VISITORS)])
router = APIRouter(tags=["Leads"])


class LeadDocument(BaseModel):
    """Somebody who wants to be called back. `phone` is E.164."""

    id: UUID
    client_id: UUID
    bot_id: UUID | None
    conversation_id: UUID | None
    name: str | None
    phone: str | None
    email: str | None
    message: str
    correlation_id: UUID
    created_at: datetime


class LeadPage(BaseModel):
    """Leads, newest first. `next`: send it as `after` for the ones before."""

    items: list[LeadDocument]
    next: UUID | None


@widget.options("/api/widget/leads/{client_id}/{bot_id}", include_in_schema=False)
async def preflight(_bot: Annotated[ServedBot, Depends(admitted_bot)]) -> Response:
    """Tell a browser what a page may send."""
    return Response(status_code=204, headers=preflight_headers())


@widget.post("/api/widget/leads/{client_id}/{bot_id}", status_code=201)
async def leave(
    request: Request, bot: Annotated[ServedBot, Depends(admitted_bot)], form: LeadForm, database: DatabaseDep
) -> LeadTaken:
    """Take down a number or an address to answer to. It is stored when the answer comes, whether or not anyone is told.

    422 says what is wrong with the number or address; a repeat with the same key is taken down once.
    """
    chat: Chat = request.app.state.chat
    limits: Limits = request.app.state.limits
    opened = chat.opened_by(form, bot)
    if request.client is None:
        raise ProblemError(400)
    conversation = None if opened is None else str(opened.conversation_id)
    await limits.count_message(address=request.client.host, bot=str(bot.id), conversation=conversation)
    bind_contextvars(org_id=str(bot.org_id), client_id=str(bot.client_id))
    return await run_in_threadpool(take_lead, database, form, bot, opened)


@router.get("/api/v1/leads")
def leads(
    access: Annotated[Access, requires("leads.view")],
    client: Annotated[UUID | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> LeadPage:
    """Return who left their address, newest first: of all clients, or of one."""
    with access.scope() as session:
        found = list_leads(session, client_id=client, after=after, limit=limit + 1)
        items = [LeadDocument.model_validate(lead, from_attributes=True) for lead in found[:limit]]
    return LeadPage(items=items, next=items[-1].id if len(found) > limit else None)
