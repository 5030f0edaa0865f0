"""People with pages open all day: `python -m benchmarks.operators PORT COOKIE…`, a cookie each, until it is ended.

Each listens to the events of a page, and fetches it again when there is news, as the page's script does: at once, and
then no more often than the page asks for.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Final

import httpx

PAGES: Final = (
    ("/dashboard/overview", "statistics,notices,dead_letters,queues,workers"),
    ("/dashboard/overview?span=day", "statistics,notices,dead_letters,queues,workers"),
    ("/dashboard/jobs", "jobs"),
    ("/dashboard/dead-letters", "dead_letters"),
)
"""What is open, in turn, and the topics that it listens to."""
GAP: Final = 10.0


async def watch(port: int, session: str, path: str, topics: str) -> None:
    """Keep somebody's page up to date. `session`: what their browser holds."""
    fetched = 0.0
    client = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", cookies={"gatehouse": session}, headers={"accept": "text/html"}, timeout=60
    )
    async with client, client.stream("GET", f"/dashboard/events?topics={topics}", timeout=None) as events:
        events.raise_for_status()
        async for line in events.aiter_lines():
            if line.startswith("event:") and time.monotonic() - fetched >= GAP:
                fetched = time.monotonic()
                (await client.get(path)).raise_for_status()


async def main(port: int, sessions: Sequence[str]) -> None:
    """Have people watch until somebody ends this."""
    pages = [PAGES[number % len(PAGES)] for number in range(len(sessions))]
    await asyncio.gather(*(watch(port, session, *page) for session, page in zip(sessions, pages, strict=True)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
