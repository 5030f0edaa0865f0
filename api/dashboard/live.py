"""GET /dashboard/events: tells an open page, by server-sent events, which of its parts to fetch again.

An event's name is its topic; it carries nothing. A page asks for the topics that it shows
(`/dashboard/events?topics=jobs,queues`) and is told of those that its reader may see: so it never has to poll.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import anyio
import psycopg
from fastapi import APIRouter, Header, Query, Request
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as AnyRequest
from starlette.responses import Response

from api.access.requires import Access, Requires, requires
from api.dashboard.news import News, Reader
from api.errors import ProblemError
from domain.statistics.ports import STATISTICS

if TYPE_CHECKING:
    from domain.access.authorize import Reach

router = APIRouter(include_in_schema=False)

TOPICS: Final[Mapping[str, str]] = {
    "clients": "clients.view",
    "dead_letters": "dead_letters.view",
    "deliveries": "deliveries.view",
    "gate": "journeys.view",
    "jobs": "queues.view",
    "leads": "leads.view",
    "messages": "journeys.view",
    "notices": "notices.view",
    "queues": "queues.view",
    "schedules": "health.view",
    STATISTICS: "overview.view",
    "workers": "health.view",
}
"""What a page can be told of, and the permission that this takes."""
PERMISSION: Final = "overview.view"
OPEN_OF_ONE: Final = 12
OPEN_OF_PROCESS: Final = 300
GAP_SECONDS: Final = 2.0
"""A stream is silent for so long after it told something: a page need not be drawn more often."""
CHECK_SECONDS: Final = 60.0
"""How long somebody who lost their session, or a permission, may still be told of news."""
ECHO_SECONDS: Final = 35.0
"""After which news is told once more: a page that pauses, or drew what was kept (30 s at most), sees the last of it."""
HEARTBEAT_SECONDS: Final = 15
RECONNECT_MS: Final = 3_000
_ENDS_WITHIN: Final = 4.0
"""Seconds; longer than `GAP_SECONDS`, after which a stream that closes looks up."""

Check = Callable[[], Access | None]


@router.get("/dashboard/events")
async def events(
    request: Request,
    access: Annotated[Access, requires(PERMISSION)],
    topics: Annotated[str, Query(max_length=300)] = "",
    last_event_id: Annotated[str, Header(max_length=64)] = "",
) -> Response:
    """Tell of topics, separated by commas, until the page is closed. 204, which ends it, when none may be seen."""
    names = [name for name in topics.split(",") if name]
    unknown = sorted(set(names).difference(TOPICS))
    if unknown:
        raise ProblemError(422, f"No such topic: {', '.join(unknown)}. There are: {', '.join(TOPICS)}.")
    reader = Reader(access.org_id, allowed(access, names))
    if not reader.allowed:
        return Response(status_code=204)
    streams: Streams = request.app.state.live
    streams.require_room(access)
    if last_event_id:
        reader.tell_anything()  # It was cut off, and may have missed something.
    closing = anyio.Event()
    return EventSourceResponse(
        streams.events(reader, access, names, lambda: still(request), closing),
        ping=HEARTBEAT_SECONDS,
        sep="\n",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        shutdown_event=closing,
        shutdown_grace_period=_ENDS_WITHIN,
    )


class Streams:
    """The open streams of a process. Lives on one event loop."""

    def __init__(self, news: News) -> None:
        self.news = news
        self.check_every = CHECK_SECONDS
        """Seconds between looks at the session of a stream's reader."""
        self.echo_after = ECHO_SECONDS
        self.most_of_one = OPEN_OF_ONE
        self._open: Counter[tuple[str, str]] = Counter()

    def __len__(self) -> int:
        return self._open.total()

    def require_room(self, access: Access) -> None:
        """Raise ProblemError (429) when this person, or this process, has enough open streams."""
        if self._open[_whose(access)] >= self.most_of_one or len(self) >= OPEN_OF_PROCESS:
            raise ProblemError(429, "Too many pages are open.", kind="too-many", headers={"retry-after": "30"})

    async def events(
        self, reader: Reader, access: Access, names: list[str], check: Check, closing: anyio.Event
    ) -> AsyncIterator[ServerSentEvent]:
        """Give an event for each topic that there is news of, until its reader may see none any more."""
        checked_at = time.monotonic()
        echoes: dict[str, float] = {}
        with self._counted(access), self.news.read_by(reader):
            yield ServerSentEvent(comment="open", retry=RECONNECT_MS)
            while not closing.is_set():
                await reader.wait(GAP_SECONDS)
                if time.monotonic() - checked_at >= self.check_every:
                    reader.allowed = await self._allowed(reader, check, names)
                    if not reader.allowed:
                        return
                    checked_at = time.monotonic()
                told = self._due(reader, echoes)
                for topic in told:
                    yield ServerSentEvent("", event=topic, id=str(int(time.time())))
                if told:
                    with anyio.move_on_after(GAP_SECONDS):
                        await closing.wait()

    def _due(self, reader: Reader, echoes: dict[str, float]) -> list[str]:
        """Return what is to be told now: topics with news, and those whose echo is due. Notes the echoes to come."""
        now = time.monotonic()
        told = [topic for topic in reader.take() if topic in reader.allowed]
        again = [topic for topic, at in echoes.items() if at <= now and topic in reader.allowed and topic not in told]
        for topic in again:
            del echoes[topic]
        echoes.update(dict.fromkeys(told, now + self.echo_after))
        return told + again

    async def _allowed(self, reader: Reader, check: Check, names: list[str]) -> Mapping[str, Reach]:
        """Return what a reader may still be told of; while nobody can be asked, what it was."""
        try:
            found = await run_in_threadpool(check)
        except (SQLAlchemyError, psycopg.Error):
            return reader.allowed
        return {} if found is None or found.org_id != reader.org_id else allowed(found, names)

    @contextmanager
    def _counted(self, access: Access) -> Iterator[None]:
        whose = _whose(access)
        self._open[whose] += 1
        try:
            yield
        finally:
            self._open[whose] -= 1
            if not self._open[whose]:
                del self._open[whose]


def allowed(access: Access, names: list[str]) -> Mapping[str, Reach]:
    """Return how far somebody may see each of these topics, without those that they may not see."""
    found = {name: access.by(TOPICS[name]) for name in names}
    return {name: theirs.reach for name, theirs in found.items() if theirs is not None and _whole(theirs.reach)}


def still(request: AnyRequest) -> Access | None:
    """Return what the sender of a request may reach now, None when they are not let in any more. Asks the database."""
    state = {"request_id": getattr(request.state, "request_id", None)}
    anew = Request({**request.scope, "state": state})
    try:
        return Requires(PERMISSION)(anew, anew.app.state.settings, anew.app.state.database, None)
    except ProblemError:
        return None


def _whole(reach: Reach) -> bool:
    """Whether it is of anything but what is somebody's own: a change says of which client it is, and not whose."""
    return any(box.owners is None for box in reach.boxes)


def _whose(access: Access) -> tuple[str, str]:
    principal = access.principal
    return principal.kind, str(principal.id or principal.name)
