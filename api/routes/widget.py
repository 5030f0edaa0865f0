"""The chat widget: what its bot looks like, sending a message, and following the conversation.

Pages of other sites call these routes, as far as the bot allows (`api.widget.origins`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel
from sse_starlette import EventSourceResponse
from starlette.responses import JSONResponse, Response
from structlog.contextvars import bind_contextvars

from api.access.requires import public
from api.errors import ProblemError
from api.widget.bots import ServedBot
from api.widget.chat import Chat, ChatMessage, Taken
from api.widget.origins import SharedRoute, admit, preflight_headers
from api.widget.streams import ThreadStreams, event_stream, in_json
from api.widget.tokens import Pass, refused, token_in

if TYPE_CHECKING:
    from api.widget.bots import BotDirectory
    from api.widget.limits import Limits

FOR_VISITORS: Final = "for visitors of any page that the bot allows; a conversation takes its own token"
router = APIRouter(tags=["Widget"], route_class=SharedRoute, dependencies=[public(FOR_VISITORS)])

_LONGEST_WAIT: Final = 20.0


async def admitted_bot(request: Request, client_id: UUID, bot_id: UUID) -> ServedBot:
    """Return the bot of the path. Raises ProblemError: 404 without a hint, 403 for a foreign page."""
    bots: BotDirectory = request.app.state.bots
    bot = await bots.find(client_id, bot_id)
    if bot is None:
        raise ProblemError(404)
    admit(request, bot)
    return bot


async def admitted_bot_of_conversation(request: Request, conversation_id: UUID) -> ServedBot:
    """Return the bot that a conversation is held with. Raises ProblemError as `admitted_bot`, but 403 for both."""
    bots: BotDirectory = request.app.state.bots
    bot = await bots.of_conversation(conversation_id)
    if bot is None:
        raise ProblemError(403)
    admit(request, bot)
    return bot


class BotConfig(BaseModel):
    """What a page needs to know of its bot. `accent_color`: #rrggbb."""

    name: str
    greeting: str
    accent_color: str
    client_name: str


@router.options("/api/widget/config/{client_id}/{bot_id}", include_in_schema=False)
@router.options("/api/widget/chat/{client_id}/{bot_id}", include_in_schema=False)
async def preflight(_bot: Annotated[ServedBot, Depends(admitted_bot)]) -> Response:
    """Tell a browser what a page may send."""
    return Response(status_code=204, headers=preflight_headers())


@router.options("/api/widget/events/{conversation_id}", include_in_schema=False)
async def preflight_events(_bot: Annotated[ServedBot, Depends(admitted_bot_of_conversation)]) -> Response:
    """Tell a browser what a page may send."""
    return Response(status_code=204, headers=preflight_headers())


@router.get("/api/widget/config/{client_id}/{bot_id}")
async def config(request: Request, bot: Annotated[ServedBot, Depends(admitted_bot)]) -> BotConfig:
    """Return the bot's looks. An unknown or disabled one is 404."""
    await _limits(request).count_reading(address=_address(request))
    return BotConfig(name=bot.name, greeting=bot.greeting, accent_color=bot.accent_color, client_name=bot.client_name)


@router.post("/api/widget/chat/{client_id}/{bot_id}", status_code=202)
async def send(request: Request, bot: Annotated[ServedBot, Depends(admitted_bot)], message: ChatMessage) -> Taken:
    """Take a message. It is stored when the answer comes; the reply comes with the conversation's events."""
    chat: Chat = request.app.state.chat
    opened = chat.opened_by(message, bot)
    await _limits(request).count_message(
        address=_address(request),
        bot=str(bot.id),
        conversation=None if opened is None else str(opened.conversation_id),
    )
    taken = await chat.take(message, bot, opened, request.state.made_id)
    request.state.correlation_id = taken.correlation_id
    bind_contextvars(org_id=str(bot.org_id), client_id=str(bot.client_id), correlation_id=str(taken.correlation_id))
    return taken


@router.get("/api/widget/events/{conversation_id}", response_class=EventSourceResponse)
async def events(
    request: Request,
    conversation_id: UUID,
    bot: Annotated[ServedBot, Depends(admitted_bot_of_conversation)],
    last_event_id: Annotated[str, Header(max_length=64)] = "",
    after: Annotated[str, Query(max_length=64)] = "",
    wait: Annotated[float | None, Query(ge=0, le=_LONGEST_WAIT)] = None,
) -> Response:
    """Follow a conversation: its messages after `Last-Event-ID` (or `after`), then each new one, as events.

    With `wait` (seconds) it is one JSON answer instead, for browsers whose way here lets no events through: what came
    after `after`, at once or within that time.
    """
    chat: Chat = request.app.state.chat
    streams: ThreadStreams = request.app.state.thread_streams
    opened = chat.tokens.read(token_in(request))
    if opened.conversation_id != conversation_id or opened.bot_id != bot.id:
        raise refused()
    await _limits(request).count_reading(address=_address(request))
    last = last_event_id or after
    if wait is not None:
        return await _answer(streams, opened, last, wait)
    streams.require_room(conversation_id)
    return event_stream(lambda closing: streams.events(opened, last, closing))


async def _answer(streams: ThreadStreams, opened: Pass, last: str, wait: float) -> Response:
    shown = await streams.after(opened, last, wait)
    messages: list[dict[str, Any]] = [in_json(one) for one in shown]
    return JSONResponse({"messages": messages, "last_event_id": messages[-1]["id"] if messages else last})


def _limits(request: Request) -> Limits:
    limits: Limits = request.app.state.limits
    return limits


def _address(request: Request) -> str:
    if request.client is None:
        raise ProblemError(400)
    return request.client.host
