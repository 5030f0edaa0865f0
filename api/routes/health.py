"""Whether the process is alive, whether it can serve, and what operators want to know of the system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.access.requires import Access, public, requires
from api.errors import ProblemError
from api.health.inside import InternalHealth, look_inside
from api.health.probe import DOWN, Checks, Probe
from api.spool.stream import NotKeptError

if TYPE_CHECKING:
    from api.spool.spool import Spool

router = APIRouter(tags=["health"])

_PROBE: Final = public("what load balancers ask; it says nothing of anybody's data")


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
    checks = await _probe_of(request).checks()
    down = sorted(name for name, answer in checks.items() if answer != "ok")
    if not set(down) <= {"redis"} and not await _keeps(request, checks):
        raise ProblemError(503, f"Not ready: {', '.join(down)}.", kind="not-ready", members={"checks": checks})
    return Ready(status="degraded" if down else "ready", checks=checks)


async def _keeps(request: Request, checks: Checks) -> bool:
    """Return whether webhooks are kept while the servers are away; one that answers and is wrong is not away."""
    spool: Spool | None = getattr(request.app.state, "spool", None)
    if spool is None or not all(answer == "ok" or answer.startswith(DOWN) for answer in checks.values()):
        return False
    try:
        await spool.check()
    except NotKeptError:
        return False
    return True


@router.get("/api/health/internal")
async def internal(request: Request, access: Annotated[Access, requires("health.view")]) -> InternalHealth:
    """Tell operators how the servers answer, how deep the queues are, what died last, and the last errors by part.

    Each part is asked by itself and has two seconds; one that does not answer in time is named in `unknown`, and the
    rest is told.
    """
    state = request.app.state
    return await look_inside(state.settings, access, _probe_of(request), state.errors.name)


def _probe_of(request: Request) -> Probe:
    probe: Probe | None = getattr(request.app.state, "probe", None)
    if probe is None:
        probe = request.app.state.probe = Probe(request.app.state.settings)
    return probe
