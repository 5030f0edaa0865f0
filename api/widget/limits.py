"""How much a visitor and a bot may do a minute. An address may be a whole office, so it gets more than one chat.

Without Redis everything passes: a customer's message is worth more than a count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.edge.addresses import counted_as
from api.edge.limiter import Limiter, Rate
from domain.flags.definitions import MESSAGES_OF_ADDRESS, MESSAGES_OF_CONVERSATION

if TYPE_CHECKING:
    from domain.flags.definitions import Definition
    from domain.flags.ports import Flags

MESSAGES_TO_BOT: Final = Rate("chat-bot", 1_200, lenient=True)
READINGS_OF_ADDRESS: Final = Rate("chat-readings", 600, lenient=True)


class Limits:
    """Counts requests and refuses those that are too many; operators change two of the rates while it runs."""

    def __init__(self, limiter: Limiter, flags: Flags) -> None:
        self._limiter = limiter
        self._flags = flags

    async def count_message(self, *, address: str, bot: str, conversation: str | None) -> None:
        """Count a message. Raises ProblemError (429)."""
        of_address = self._rate("chat-address", MESSAGES_OF_ADDRESS)
        counts = [(of_address, counted_as(address)), (MESSAGES_TO_BOT, bot)]
        if conversation is not None:
            counts.insert(0, (self._rate("chat-conversation", MESSAGES_OF_CONVERSATION), conversation))
        for rate, who in counts:
            (await self._limiter.count(rate, who, exact=False)).require()

    async def count_reading(self, *, address: str) -> None:
        """Count a look at a bot or a thread. Raises ProblemError (429)."""
        (await self._limiter.count(READINGS_OF_ADDRESS, counted_as(address), exact=False)).require()

    def _rate(self, name: str, setting: Definition) -> Rate:
        assert isinstance(setting.default, int)  # noqa: S101 - as both are defined
        return Rate(name, max(1, self._flags.integer(setting.key, setting.default)), lenient=True)
