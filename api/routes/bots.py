"""The chat widgets of a client."""

from __future__ import annotations

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Response

from api.access.requires import Access, requires
from api.schemas.bots import BotChanges, BotDocument, NewBotDocument
from api.schemas.versions import STALE, IfMatch, etag, stale, version
from domain.clients.bots import GivenBot, change_bot, create_bot, get_bot, list_bots
from domain.clients.errors import ChangedMeanwhileError
from domain.clients.models import Bot

router = APIRouter(tags=["Bots"])
Viewing = Annotated[Access, requires("clients.view")]
Changing = Annotated[Access, requires("clients.change")]


@router.get("/api/v1/clients/{client_id}/bots")
def list_(client_id: UUID, access: Viewing) -> list[BotDocument]:
    """List a client's bots, the oldest first. There are few, so they come in one page."""
    with access.client_scope(client_id) as session:
        return [BotDocument.model_validate(bot) for bot in list_bots(session, client_id)]


@router.post("/api/v1/clients/{client_id}/bots", status_code=201)
def create(client_id: UUID, new: NewBotDocument, access: Changing, response: Response) -> BotDocument:
    """Give a client a bot; pages can have it within seconds."""
    with access.client_scope(client_id) as session:
        return _shown(create_bot(session, client_id, cast("GivenBot", new.given()), access.actor), response)


@router.get("/api/v1/clients/{client_id}/bots/{bot_id}")
def show(client_id: UUID, bot_id: UUID, access: Viewing, response: Response) -> BotDocument:
    """Show a bot."""
    with access.client_scope(client_id) as session:
        return _shown(get_bot(session, client_id, bot_id), response)


@router.patch("/api/v1/clients/{client_id}/bots/{bot_id}", responses=STALE)
def change(
    client_id: UUID, bot_id: UUID, changes: BotChanges, access: Changing, response: Response, if_match: IfMatch = None
) -> BotDocument:
    """Change a bot; pages see it within seconds. One that is not enabled answers nowhere."""
    given, expected = cast("GivenBot", changes.given()), version(if_match)
    try:
        with access.client_scope(client_id) as session:
            return _shown(change_bot(session, client_id, bot_id, given, access.actor, version=expected), response)
    except ChangedMeanwhileError:
        raise stale() from None


def _shown(bot: Bot, response: Response) -> BotDocument:
    response.headers["ETag"] = etag(bot.updated_at)
    return BotDocument.model_validate(bot)
