"""The bots that are served, remembered for a few seconds: a page asks for its bot with every message."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import select

from domain.clients.models import Bot, Client
from domain.conversations.models import Conversation
from domain.kernel.database import Database

FRESH_SECONDS: Final = 5.0
REMEMBERED: Final = 2_000
"""Bots and conversations in memory. Beyond that the oldest are forgotten, so that invented ids can't fill it."""
_Key = tuple[UUID, UUID]
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class ServedBot:
    """An enabled bot, as its page sees it. `allowed_origins` are scheme, host and port, or `self` for our own."""

    id: UUID
    client_id: UUID
    org_id: UUID
    name: str
    greeting: str
    accent_color: str
    client_name: str
    allowed_origins: frozenset[str]


class BotDirectory:
    """Finds bots. Lives on one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._bots: dict[_Key, tuple[float, ServedBot | None]] = {}
        self._conversations: dict[UUID, _Key] = {}

    async def find(self, client_id: UUID, bot_id: UUID) -> ServedBot | None:
        """Return the bot when it is this client's, enabled, and the client not archived; None is remembered as well."""
        key = (client_id, bot_id)
        known = self._bots.get(key)
        if known is not None and time.monotonic() - known[0] < FRESH_SECONDS:
            return known[1]
        found = await asyncio.to_thread(self._read, client_id, bot_id)
        self._bots.pop(key, None)
        self._bots[key] = (time.monotonic(), found)
        _forget_oldest(self._bots)
        return found

    async def of_conversation(self, conversation_id: UUID) -> ServedBot | None:
        """Return the bot that a conversation is held with."""
        key = self._conversations.get(conversation_id)
        if key is None:
            key = await asyncio.to_thread(self._read_conversation, conversation_id)
            if key is None:
                return None
            self._conversations[conversation_id] = key
            _forget_oldest(self._conversations)
        return await self.find(*key)

    def _read(self, client_id: UUID, bot_id: UUID) -> ServedBot | None:
        query = (
            select(Bot.org_id, Bot.name, Bot.greeting, Bot.accent_color, Client.name, Bot.allowed_origins)
            .join(Client, Client.id == Bot.client_id)
            .where(Bot.id == bot_id, Bot.client_id == client_id, Bot.enabled, Client.archived_at.is_(None))
        )
        with self._database.platform_scope() as session:
            row = session.execute(query).one_or_none()
        if row is None:
            return None
        org_id, name, greeting, accent, client_name, origins = row
        return ServedBot(bot_id, client_id, org_id, name, greeting, accent, client_name, frozenset(origins))

    def _read_conversation(self, conversation_id: UUID) -> _Key | None:
        query = select(Conversation.client_id, Conversation.bot_id).where(Conversation.id == conversation_id)
        with self._database.platform_scope() as session:
            row = session.execute(query).one_or_none()
        return None if row is None or row.bot_id is None else (row.client_id, row.bot_id)


def _forget_oldest(remembered: dict[K, V]) -> None:
    while len(remembered) > REMEMBERED:
        del remembered[next(iter(remembered))]
