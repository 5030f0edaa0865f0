"""A thread as server-sent events, or in answer to a question: what came after what the page has."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import anyio
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from api.errors import ProblemError
from domain.conversations.window import Position, Shown, position_of, read_window
from providers.signals import THREAD

if TYPE_CHECKING:
    from api.signals import Signals
    from api.widget.tokens import Pass
    from domain.kernel.database import Database

OPEN_OF_CONVERSATION: Final = 4
OPEN_OF_PROCESS: Final = 500
LIFETIME_SECONDS: Final = 15 * 60
"""A stream ends by itself, and the browser opens the next one: so limits and tokens are looked at again."""
HEARTBEAT_SECONDS: Final = 15
RECONNECT_MS: Final = 1_000
_ENDS_WITHIN: Final = 3.0
"""Seconds. A stream looks up every `LOOK_EVERY`; the server cuts requests some seconds later than this."""


def event_stream(events: Callable[[anyio.Event], AsyncIterator[ServerSentEvent]]) -> EventSourceResponse:
    """Return a stream as an answer. `events` gets what is set when the server stops: it has to come to its end then."""
    closing = anyio.Event()
    return EventSourceResponse(
        events(closing),
        ping=HEARTBEAT_SECONDS,
        sep="\n",
        shutdown_event=closing,
        shutdown_grace_period=_ENDS_WITHIN,
    )


class ThreadStreams:
    """Follows conversations for the pages that show them. Lives on one event loop."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals
        self._open: Counter[UUID] = Counter()

    def require_room(self, conversation_id: UUID) -> None:
        """Raise ProblemError (429) when this conversation, or this process, has enough open streams."""
        if self._open[conversation_id] >= OPEN_OF_CONVERSATION or self._open.total() >= OPEN_OF_PROCESS:
            raise ProblemError(429, "Too many windows are open.", kind="too-many", headers={"retry-after": "10"})

    async def events(
        self, opened: Pass, last_event_id: str | None, closing: anyio.Event
    ) -> AsyncIterator[ServerSentEvent]:
        """Give what came after an event, then what comes, each once, until the stream has lived long enough."""
        until = time.monotonic() + LIFETIME_SECONDS
        conversation_id = opened.conversation_id
        with self._counted(conversation_id), self._signals.listening(f"{THREAD}{conversation_id}") as signal:
            yield ServerSentEvent(comment="open", retry=RECONNECT_MS)
            position = await self._position(opened, last_event_id)
            while time.monotonic() < until and not closing.is_set():
                for shown in await self._read(opened, position):
                    yield ServerSentEvent(json.dumps(in_json(shown)), id=str(shown.id), event="message")
                    position = shown.position
                await signal.wait()

    async def after(self, opened: Pass, last_event_id: str | None, wait: float) -> Sequence[Shown]:
        """Return what came after an event; when there is nothing, wait up to `wait` seconds for it."""
        until = time.monotonic() + wait
        with self._signals.listening(f"{THREAD}{opened.conversation_id}") as signal:
            position = await self._position(opened, last_event_id)
            while not (shown := await self._read(opened, position)):
                left = until - time.monotonic()
                if left <= 0:
                    break
                await signal.wait(min(left, 2.0))
        return shown

    async def _position(self, opened: Pass, last_event_id: str | None) -> Position | None:
        """Return where the page is; an id that is none, or not of this thread, means that it has nothing yet."""
        try:
            message_id = UUID(last_event_id or "")
        except ValueError:
            return None

        def look() -> Position | None:
            with self._database.tenant_scope(opened.org_id) as session:
                return position_of(session, opened.conversation_id, message_id)

        return await run_in_threadpool(look)

    async def _read(self, opened: Pass, position: Position | None) -> Sequence[Shown]:
        def look() -> Sequence[Shown]:
            with self._database.tenant_scope(opened.org_id) as session:
                return read_window(session, opened.conversation_id, position)

        return await run_in_threadpool(look)

    @contextmanager
    def _counted(self, conversation_id: UUID) -> Iterator[None]:
        self._open[conversation_id] += 1
        try:
            yield
        finally:
            self._open[conversation_id] -= 1
            if not self._open[conversation_id]:
                del self._open[conversation_id]


def in_json(shown: Shown) -> dict[str, Any]:
    """Return a message as pages get it."""
    return {
        "id": str(shown.id),
        "from": "visitor" if shown.author == "contact" else "business",
        "text": shown.text,
        "at": shown.at.isoformat(),
        "correlation_id": str(shown.correlation_id),
    }
