"""Whether the process is alive, whether it can serve, and what operators want to know of the system."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

import psycopg
import redis.asyncio
import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.access.requires import Access, public, requires
from api.errors import ProblemError
from api.spool.stream import NotKeptError
from domain.kernel.database import raw_connection
from domain.kernel.redaction import redact
from domain.kernel.schema import READ_REVISION, schema_problem
from domain.queue.dead import DeadFilter, count_dead, list_dead
from domain.queue.stats import depths, live_workers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from api.spool.spool import Spool
    from config.settings import Settings

router = APIRouter(tags=["health"])

LIMIT_SECONDS: Final = 2.0
"""How long a single check may take before its server counts as down."""
_FRESH_SECONDS: Final = 1.0
_LAST_ERRORS: Final = 20
_DOWN: Final = ("down", "no answer")
_PROBE: Final = public("what load balancers ask; it says nothing of anybody's data")
_log = structlog.get_logger("health")

Checks = dict[str, str]
"""What each server answered: "ok", or what is wrong."""


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """The process can accept messages. `degraded`: it can, but something that it does without is down."""

    status: Literal["ready", "degraded"]
    checks: dict[str, str]


@router.head("/api/health", include_in_schema=False, dependencies=[_PROBE])  # Some load balancers ask so.
@router.get("/api/health", dependencies=[_PROBE])
async def alive() -> Alive:
    """Tell that the process runs; asks nobody else."""
    return Alive()


@router.head("/api/health/ready", include_in_schema=False, dependencies=[_PROBE])
@router.get("/api/health/ready", dependencies=[_PROBE])
async def ready(request: Request) -> Ready:
    """Tell whether messages can be accepted, which takes PostgreSQL, or the spool while it is away.

    Redis being down makes work slower, not lost, so it degrades; so does PostgreSQL while webhooks can be kept. Taking
    the process out of service would lose messages.
    """
    probe: Probe | None = getattr(request.app.state, "probe", None)
    if probe is None:
        probe = request.app.state.probe = Probe(request.app.state.settings)
    checks = await probe.checks()
    down = sorted(name for name, answer in checks.items() if answer != "ok")
    if not set(down) <= {"redis"} and not await _keeps(request, checks):
        raise ProblemError(503, f"Not ready: {', '.join(down)}.", kind="not-ready", members={"checks": checks})
    return Ready(status="degraded" if down else "ready", checks=checks)


async def _keeps(request: Request, checks: Checks) -> bool:
    """Return whether webhooks are kept while the servers are away; one that answers and is wrong is not away."""
    spool: Spool | None = getattr(request.app.state, "spool", None)
    if spool is None or not all(answer == "ok" or answer.startswith(_DOWN) for answer in checks.values()):
        return False
    try:
        await spool.check()
    except NotKeptError:
        return False
    return True


@router.get("/api/health/internal")
def internal(access: Annotated[Access, requires("health.view")]) -> dict[str, Any]:
    """Tell operators how deep the queues are, how many workers live, and what died last."""
    with access.platform() as session:
        dead = list_dead(session, DeadFilter(), limit=_LAST_ERRORS, newest_first=True)
        return {
            "workers_alive": live_workers(raw_connection(session)),
            "queues": [asdict(depth) for depth in depths(raw_connection(session))],
            "dead": count_dead(session, DeadFilter()),
            "last_errors": [
                {
                    "job_id": job.id,
                    "kind": job.kind,
                    "finished_at": job.finished_at,
                    "fingerprint": job.fingerprint,
                    "error": redact(job.last_error),
                }
                for job in dead
            ],
        }


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
