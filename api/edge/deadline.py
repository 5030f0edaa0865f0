"""A time by which an answer has to begin. What has begun may take as long as it likes, as streams of events do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from api.errors import ProblemError
from api.pages import problem_answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANSWER_SECONDS: Final = 60.0
"""More than any route needs: a webhook's test call takes 15 seconds at most, a widget that polls waits for 20."""
# These keep times of their own, which end long before Twilio's, and keep the message when they do.
_OWN_TIMES: Final = "/webhooks/"


class Deadline:
    """Answers 503 when nothing else has begun to in time. What a thread is at meanwhile goes on and may yet be done."""

    def __init__(self, app: ASGIApp, *, seconds: float = ANSWER_SECONDS) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(_OWN_TIMES):
            await self._app(scope, receive, send)
            return
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:

                async def begun(message: Message) -> None:
                    limit.reschedule(None)
                    await send(message)

                await self._app(scope, receive, begun)
        except TimeoutError:
            if not limit.expired():
                raise
            detail = "This took too long. It may be done all the same: look before you ask for it again."
            problem = ProblemError(503, detail, kind="too-slow", headers={"retry-after": "5"})
            await problem_answer(scope, problem)(scope, receive, send)
