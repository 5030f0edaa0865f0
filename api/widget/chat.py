"""Take a visitor's message: its conversation, then the message, each once however often the browser repeats it."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Annotated, Final, Protocol
from uuid import UUID

from pydantic import UUID4, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from api.widget.tokens import ConversationTokens, Pass, refused
from domain.conversations.accept import Inbound
from domain.conversations.start import accepted_before, start_conversation

if TYPE_CHECKING:
    from api.ingest import Ingest
    from api.widget.bots import ServedBot
    from config.settings import Settings
    from domain.kernel.database import Database

TEXT_LIMIT: Final = 2_000


def without_nul(text: object) -> object:
    """Return a text as PostgreSQL can store it."""
    return text.replace("\x00", "") if isinstance(text, str) else text


class ChatMessage(BaseModel):
    """What a visitor sends. `conversation_token` is missing in the first message of a conversation."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LIMIT),
        BeforeValidator(without_nul),
    ] = Field(repr=False)
    idempotency_key: UUID4
    """Made at random for this message; sent again with each repeat of it. The first one names the conversation."""
    conversation_token: Annotated[str, StringConstraints(max_length=512)] | None = Field(default=None, repr=False)


class Opening(Protocol):
    """Whatever a visitor sends within a conversation, or before one."""

    @property
    def conversation_token(self) -> str | None:
        """The token of the conversation that it goes on with."""


class Taken(BaseModel):
    """The ids of a message that was taken. The token opens the conversation and goes with its next message."""

    conversation_id: UUID
    message_id: UUID
    correlation_id: UUID
    conversation_token: str


class Chat:
    """Takes messages for bots."""

    def __init__(self, settings: Settings, database: Database, ingest: Ingest) -> None:
        self._key = settings.secret_key.get_secret_value().encode()
        self._database = database
        self._ingest = ingest
        self.tokens = ConversationTokens(settings)

    def opened_by(self, message: Opening, bot: ServedBot) -> Pass | None:
        """Return the conversation that something goes on with. Raises ProblemError (403) for one of another bot."""
        if message.conversation_token is None:
            return None
        opened = self.tokens.read(message.conversation_token)
        if (opened.client_id, opened.bot_id, opened.org_id) != (bot.client_id, bot.id, bot.org_id):
            raise refused()
        return opened

    async def take(self, message: ChatMessage, bot: ServedBot, opened: Pass | None, correlation_id: UUID) -> Taken:
        """Store a message and return its ids, the same ones for a repeat.

        Raises KeyReusedError for a key that was used for another text, ProblemError (503) when it can't be stored now.
        """
        if opened is None:
            opened = await run_in_threadpool(self._start, message.idempotency_key, bot)
        inbound = Inbound(
            org_id=opened.org_id,
            client_id=opened.client_id,
            channel="web",
            address=opened.visitor,
            body=message.text,
            external_id=f"{opened.conversation_id}:{message.idempotency_key}",
            conversation_id=opened.conversation_id,
            correlation_id=correlation_id,
        )
        ids = (inbound.message_id, inbound.correlation_id)
        if not await self._ingest.accept(inbound):
            ids = await run_in_threadpool(self._before, inbound)
        return Taken(
            conversation_id=opened.conversation_id,
            message_id=ids[0],
            correlation_id=ids[1],
            conversation_token=self.tokens.make(opened),
        )

    def _start(self, key: UUID, bot: ServedBot) -> Pass:
        # Whoever knows the first key gets the thread, so the address that is stored must not tell it.
        digest = hmac.digest(self._key, f"visitor:{bot.client_id}:{bot.id}:{key}".encode(), hashlib.sha256)
        visitor = f"visitor-{digest.hex()[:32]}"
        with self._database.tenant_scope(bot.org_id) as session:
            conversation_id = start_conversation(
                session, org_id=bot.org_id, client_id=bot.client_id, bot_id=bot.id, visitor=visitor
            )
        return Pass(conversation_id, bot.client_id, bot.id, bot.org_id, visitor)

    def _before(self, inbound: Inbound) -> tuple[UUID, UUID]:
        with self._database.tenant_scope(inbound.org_id) as session:
            return accepted_before(
                session, client_id=inbound.client_id, external_id=inbound.external_id, body=inbound.body
            )
