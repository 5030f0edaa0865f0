"""The sandbox phone and the chat page of the demo: to try a system in the browser, hidden in production."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import anyio
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.access.requires import Access, public, requires
from api.deps import DatabaseDep, RequireDevelopment, SettingsDep
from api.errors import ProblemError
from api.pages import page
from api.sandbox.texts import Business, Text, businesses, texts_of
from api.sandbox.webhook import post_text
from api.twilio_forms import BODY_LIMIT
from api.widget.streams import RECONNECT_MS, event_stream
from domain.clients.models import Bot
from domain.clients.numbers import parse_number
from providers.signals import PHONE

if TYPE_CHECKING:
    from api.signals import Signals

CUSTOMER: Final = "+15005550001"

router = APIRouter(dependencies=[RequireDevelopment], include_in_schema=False)
Using = Annotated[Access, requires("sandbox.use")]


class NewText(BaseModel):
    """What is typed on the handset. `sid` names it, so that a repeat is sent once."""

    model_config = ConfigDict(extra="forbid")

    client_id: UUID
    sender: Annotated[str, Field(max_length=40, repr=False)]
    text: Annotated[str, Field(min_length=1, max_length=BODY_LIMIT, repr=False)]
    sid: Annotated[str, Field(pattern=r"^SM[0-9a-f]{32}$")]


class Sent(BaseModel):
    """The text was taken. `correlation_id` is missing when it was here already."""

    correlation_id: UUID | None


@router.get("/demo/chat", dependencies=[public("shows what a visitor of a page with the widget sees")])
def chat_page(request: Request, database: DatabaseDep, bot: UUID | None = None) -> Response:
    """Show the chat of a bot; of the first one when none is named."""
    query = select(Bot.id, Bot.client_id, Bot.name).where(Bot.enabled).order_by(Bot.id).limit(1)
    with database.platform_scope() as session:
        found = session.execute(query if bot is None else query.where(Bot.id == bot)).one_or_none()
    if found is None:
        return page("chat_missing.html", 404, request=request)
    return page("chat.html", request=request, bot=found)


@router.get("/sandbox")
def phone_page(request: Request, settings: SettingsDep, access: Using) -> Response:
    """Show the handset."""
    with access.scope() as session:
        found = businesses(session)
    return page(
        "sandbox.html",
        request=request,
        businesses=found,
        customer=CUSTOMER,
        can_sign=settings.twilio.auth_token is not None,
        shows_replies=settings.sms_provider == "sandbox",
        text_limit=BODY_LIMIT,
        sandbox=True,
    )


@router.post("/sandbox/texts", status_code=202)
async def send_text(request: Request, text: NewText, access: Using) -> Sent:
    """Send a text the way that a real one comes: as a signed webhook over HTTP."""
    business = await run_in_threadpool(_business, access, text.client_id)
    number = parse_number(text.sender)
    return Sent(
        correlation_id=await post_text(request, sid=text.sid, sender=number, to=business.sms_number, body=text.text)
    )


@router.get("/sandbox/events/{client_id}", response_class=EventSourceResponse)
async def follow(
    request: Request, client_id: UUID, access: Using, number: Annotated[str, Query(max_length=40)]
) -> Response:
    """Follow what a number and a business text each other: first all of it, then an event `ready`, then what comes."""
    business = await run_in_threadpool(_business, access, client_id)
    phone = parse_number(number)
    return event_stream(lambda closing: _events(request, access, business, phone, closing))


async def _events(
    request: Request, access: Access, business: Business, number: str, closing: anyio.Event
) -> AsyncIterator[ServerSentEvent]:
    signals: Signals = request.app.state.signals
    seen: set[UUID] = set()
    with signals.listening(f"{PHONE}{business.client_id}") as signal:
        first = True
        while not closing.is_set():
            texts = await run_in_threadpool(_texts, access, business, number)
            for text in texts:
                if text.id not in seen:
                    seen.add(text.id)
                    yield _event(text)
            if first:
                yield ServerSentEvent("{}", event="ready", retry=RECONNECT_MS)
                first = False
            await signal.wait()


def _event(text: Text) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(text.in_json()), id=str(text.id), event="text")


def _texts(access: Access, business: Business, number: str) -> Sequence[Text]:
    """Read in a scope of its own each time: a stream outlives any transaction."""
    with access.client_scope(business.client_id) as session:
        return texts_of(session, business, number)


def _business(access: Access, client_id: UUID) -> Business:
    with access.client_scope(client_id) as session:
        for business in businesses(session, client_id):
            return business
    raise ProblemError(404, "There is no such business with a number.")
