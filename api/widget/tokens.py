"""Conversation tokens: what a visitor's browser shows to see its own thread, and no other.

A token is signed, so checking one asks no database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer

from api.errors import ProblemError

if TYPE_CHECKING:
    from starlette.requests import Request

    from config.settings import Settings

LIFETIME_SECONDS: Final = 7 * 24 * 3600
"""Each message that is sent brings a new token."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The conversation that a token opens, and its visitor's address there."""

    conversation_id: UUID
    client_id: UUID
    bot_id: UUID
    org_id: UUID
    visitor: str


class ConversationTokens:
    """Makes and reads the tokens of this installation."""

    def __init__(self, settings: Settings) -> None:
        self._sealer = URLSafeTimedSerializer(settings.secret_key.get_secret_value(), salt="widget-conversation")

    def make(self, opened: Pass) -> str:
        """Return a token that opens this conversation for `LIFETIME_SECONDS`."""
        return self._sealer.dumps(
            [
                opened.conversation_id.hex,
                opened.client_id.hex,
                opened.bot_id.hex,
                opened.org_id.hex,
                opened.visitor,
            ]
        )

    def read(self, token: str) -> Pass:
        """Return what a token opens. Raises ProblemError (403), which does not say what is wrong with it."""
        try:
            conversation, client, bot, org, visitor = self._sealer.loads(token, max_age=LIFETIME_SECONDS)
            return Pass(UUID(conversation), UUID(client), UUID(bot), UUID(org), visitor)
        except (BadSignature, ValueError, TypeError, AttributeError):
            raise refused() from None


def refused() -> ProblemError:
    """Return the one answer to every token that does not fit."""
    return ProblemError(403, "This conversation can't be opened. Start a new one.", kind="conversation-closed")


def token_in(request: Request) -> str:
    """Return the token of a request: the bearer, or the query's, because an EventSource can't send headers."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else request.query_params.get("token", "")
