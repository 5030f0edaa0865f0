"""Ask the servers whether they answer, at most once a second."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final, cast

import psycopg
import redis.asyncio
import structlog

from domain.kernel.recent_errors import note_error
from domain.kernel.schema import READ_REVISION, schema_problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from config.settings import Settings

LIMIT_SECONDS: Final = 2.0
"""How long a single check may take before its server counts as down."""
DOWN: Final = ("down", "no answer")
"""How the answer for a server begins that is away, rather than wrong."""
_FRESH_SECONDS: Final = 1.0
_log = structlog.get_logger("health")

Checks = dict[str, str]
"""What each server answered: "ok", or what is wrong."""


class Probe:
    """Asks the servers, at most once a second however many ask us, so that a flood of probes stays here."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._answers: Checks = {}
        self._asked_at = -_FRESH_SECONDS

    async def checks(self) -> Checks:
        """Return what each server answers."""
        async with self._lock:
            if monotonic() - self._asked_at >= _FRESH_SECONDS:
                self._answers = await self._ask()
                self._asked_at = monotonic()
            return self._answers

    async def _ask(self) -> Checks:
        questions: dict[str, Callable[[], Awaitable[str]]] = {
            "database": lambda: _revision_of(self._settings.postgres_url("app")),
            "platform_database": lambda: _revision_of(self._settings.postgres_url("platform")),
            "redis": lambda: _ping(self._settings.redis_url.get_secret_value()),
        }
        answers = await asyncio.gather(*(_answer(name, ask) for name, ask in questions.items()))
        return dict(zip(questions, answers, strict=True))


async def _answer(name: str, ask: Callable[[], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            return await ask()
    except TimeoutError:
        return f"no answer within {LIMIT_SECONDS:g} s"
    except (OSError, psycopg.Error, redis.asyncio.RedisError) as error:
        # The words of the error name hosts and users; they belong into the log, not to whoever asks.
        _log.warning("health.check_failed", server=name, error=error)
        note_error("redis" if name == "redis" else "database", error)
        return f"down ({type(error).__name__})"


async def _revision_of(url: str) -> str:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, application_name="gatehouse-probe") as c:
        try:
            row = await (await c.execute(READ_REVISION)).fetchone()
        except psycopg.errors.UndefinedTable:
            row = None
    return schema_problem(row[0] if row else None) or "ok"


async def _ping(url: str) -> str:
    async with redis.asyncio.from_url(url) as client:
        await cast("Awaitable[bool]", client.ping())  # one annotation serves the blocking client as well
    return "ok"
