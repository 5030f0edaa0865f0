"""What operators want to know of the whole system, told even while parts of it do not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

import structlog
from anyio import to_thread
from pydantic import BaseModel

from api.health.probe import LIMIT_SECONDS, Checks, Probe
from api.spool.standing import standings
from domain.kernel.database import raw_connection
from domain.kernel.recent_errors import PARTS, RECENT, Part
from domain.kernel.redaction import redact_text
from domain.queue.dead import DeadFilter, list_dead
from domain.queue.stats import depths, live_workers
from providers.error_sharing import read_shared, together

if TYPE_CHECKING:
    from api.access.requires import Access
    from config.settings import Settings
    from providers.error_sharing import Errors

_LAST_DEAD: Final = 20
_log = structlog.get_logger("health")
T = TypeVar("T")


class DepthDocument(BaseModel):
    """The jobs of a queue in one state, and for how long (seconds) the oldest has been due."""

    queue: str
    state: str
    jobs: int
    oldest_seconds: float


class DeadJob(BaseModel):
    """A job that died; its error redacted."""

    job_id: UUID
    kind: str
    finished_at: datetime | None
    fingerprint: str | None
    error: str | None


class StoreDocument(BaseModel):
    """What a store of the spool holds, as this process sees it."""

    store: str
    entries: int
    oldest_seconds: float
    rejected: int


class LastErrorDocument(BaseModel):
    """The last error of a part in any process: its class, its first line redacted, and how many there were lately."""

    error_class: str
    words: str
    at: datetime
    last_15_minutes: int


class InternalHealth(BaseModel):
    """The whole system. What could not be asked is None, and `unknown` says why; 10,000 jobs are "at least so many".

    `errors` has every part; None is one without an error in the last day. Errors of other processes come through
    Redis: while it is away, those of the answering process are told alone.
    """

    checks: Checks
    workers_alive: int | None = None
    queues: list[DepthDocument] | None = None
    dead: int | None = None
    last_errors: list[DeadJob] | None = None
    spool: list[StoreDocument] | None = None
    errors: dict[Part, LastErrorDocument | None]
    unknown: dict[str, str]


async def look_inside(settings: Settings, access: Access, probe: Probe, process: str) -> InternalHealth:
    """Ask all parts at once, each for at most two seconds. `process`: this one's name among those that share errors."""
    redis_url = settings.redis_url.get_secret_value()
    unknown: dict[str, str] = {}
    checks, queue, spool, shared = await asyncio.gather(
        probe.checks(),
        _within(unknown, "queue", lambda: _queue(access)),
        _within(unknown, "spool", lambda: standings(settings.data_dir / "spool", redis_url)),
        _within(unknown, "errors", lambda: read_shared(redis_url, without=process)),
    )
    return InternalHealth(
        checks=checks,
        **(queue or {}),
        spool=None
        if spool is None
        else [
            StoreDocument(
                store=one.store, entries=one.entries, oldest_seconds=one.oldest_seconds, rejected=one.rejected
            )
            for one in spool
        ],
        errors=_errors([RECENT.standing(), *(shared or ())]),
        unknown=unknown,
    )


async def _within(unknown: dict[str, str], part: str, look: Callable[[], T]) -> T | None:
    """Return what a part says. None, and the reason in `unknown`, when it fails or takes too long."""
    asked: Awaitable[T] = to_thread.run_sync(look, abandon_on_cancel=True)
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            return await asked
    except TimeoutError:
        unknown[part] = f"no answer within {LIMIT_SECONDS:g} s"
    except Exception as error:  # noqa: BLE001  whatever is broken in one part, the others are told
        _log.warning("health.part_failed", part=part, error=error)
        unknown[part] = f"down ({type(error).__name__})"
    return None


def _queue(access: Access) -> dict[str, Any]:
    with access.platform() as session:
        dead = list_dead(session, DeadFilter(), limit=_LAST_DEAD, newest_first=True)
        connection = raw_connection(session)
        found = depths(connection)
        return {
            "workers_alive": live_workers(connection),
            "queues": [
                DepthDocument(queue=one.queue, state=one.state, jobs=one.jobs, oldest_seconds=one.oldest_seconds)
                for one in found
            ],
            "dead": sum(one.jobs for one in found if one.state == "dead"),
            "last_errors": [
                DeadJob(
                    job_id=job.id,
                    kind=job.kind,
                    finished_at=job.finished_at,
                    fingerprint=job.fingerprint,
                    error=None if job.last_error is None else redact_text(job.last_error),
                )
                for job in dead
            ],
        }


def _errors(shared: Sequence[Errors]) -> dict[Part, LastErrorDocument | None]:
    found = together(shared)
    now = time.time()
    return {
        part: LastErrorDocument(
            error_class=last.error_class,
            words=last.words,
            at=datetime.fromtimestamp(last.at, UTC),
            last_15_minutes=last.recent(now),
        )
        if (last := found.get(part))
        else None
        for part in PARTS
    }
