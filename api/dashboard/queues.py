"""Queues: how deep, how old, who works on them; paused, drained, resumed; limits and weights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.flash import flash
from api.dashboard.organizations import organization_field, organization_names
from api.dashboard.tables import State
from api.errors import ProblemError
from api.pages import page
from domain.audit import queue as administration
from domain.deadletters.kinds import load_kinds
from domain.kernel.database import raw_connection
from domain.queue.limits import HELD_COUNT_LIMIT, Limit, LimitRule, list_limits
from domain.queue.message import spec_for, specs
from domain.queue.overview import QueueStatus, queue_statuses
from domain.queue.presence import threads_by_queue
from domain.queue.stats import COUNT_LIMIT
from domain.queue.weights import HEAVIEST, weights
from domain.statistics.charts import jobs_by_kind
from domain.statistics.figures import FAILED, JobFigures
from domain.statistics.steps import Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("queues.view")]
Changing = Annotated[Access, requires("queues.change")]
Text = Annotated[str, Form(max_length=500)]
PATH: Final = "/dashboard/queues"
_LIMITS: Final = 100
_OLD_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Row:
    """A queue on the page. `ended` and `failed`: attempts in the last hour; `threads`: of living workers."""

    queue: QueueStatus
    state: State
    threads: int
    ended: int
    failed: int

    @property
    def is_old(self) -> bool:
        """Whether its first job waits for longer than it should while it is open."""
        return self.queue.paused_at is None and self.queue.oldest_seconds > _OLD_SECONDS


@router.get(PATH)
def show(request: Request, access: Viewing) -> Response:
    """Show all queues, the limits and the weights."""
    load_kinds()
    with access.platform() as session:
        rows = _rows(session)
        limits, heavy = list_limits(session, limit=_LIMITS), weights(session)
        names = organization_names(session, {*heavy, *(one.tenant_id for one in limits if one.tenant_id)})
        offered = organization_field(session, access, "")
    return page(
        "queues.html",
        request=request,
        rows=rows,
        most=COUNT_LIMIT,
        limits=[(limit, _what(limit, names)) for limit in limits],
        held_most=HELD_COUNT_LIMIT,
        weights=[(org_id, names[org_id], weight) for org_id, weight in heavy.items()],
        heaviest=HEAVIEST,
        organizations=offered[0].options[1:] if offered else [],
        kinds=sorted(specs()),
        may_change=access.may("queues.change"),
    )


@router.post(f"{PATH}/{{name}}/pause")
def pause(request: Request, name: str, access: Changing, reason: Text = "") -> Response:
    """Stop handing out a queue's jobs."""
    with access.platform() as session:
        administration.pause_queue(session, name, reason, access.actor)
    return _back(request, f"{name} is paused. What runs goes on; what comes waits.")


@router.post(f"{PATH}/{{name}}/drain")
def drain(request: Request, name: str, access: Changing, reason: Text = "") -> Response:
    """Have a queue worked until it is empty, and paused then."""
    with access.platform() as session:
        administration.drain_queue(session, name, reason, access.actor)
    return _back(request, f"{name} is worked until nothing waits or runs in it, and is paused then.")


@router.post(f"{PATH}/{{name}}/resume")
def resume(request: Request, name: str, access: Changing, reason: Text = "") -> Response:
    """Hand out a queue's jobs again."""
    with access.platform() as session:
        administration.resume_queue(session, name, access.actor, reason or None)
    return _back(request, f"{name} is open again.")


@router.post("/dashboard/limits")
def set_limit(
    request: Request,
    access: Changing,
    org: Text = "",
    kind: Text = "",
    key: Text = "",
    max_running: Text = "",
    per_minute: Text = "",
    reason: Text = "",
) -> Response:
    """Set a limit, or change the one on the same organization, kind and key."""
    rule = LimitRule(
        access.org_id or _id(org), kind or None, key.strip() or None, _figure(max_running), _figure(per_minute)
    )
    with access.platform() as session:
        administration.set_limit(session, rule, access.actor, reason or None)
    return _back(request, "The limit is set. It binds what is handed out from now on.")


@router.post("/dashboard/limits/{limit_id}/remove")
def remove_limit(request: Request, limit_id: UUID, access: Changing, reason: Text = "") -> Response:
    """Remove a limit."""
    with access.platform() as session:
        administration.remove_limit(session, limit_id, access.actor, reason or None)
    return _back(request, "The limit is gone, and what it held back may run.")


@router.post("/dashboard/weights")
def set_weight(request: Request, access: Changing, org: Text = "", weight: Text = "", reason: Text = "") -> Response:
    """Give an organization so many jobs a round."""
    org_id, figure = access.org_id or _id(org), _figure(weight)
    if org_id is None or figure is None:
        raise ProblemError(422, "Choose an organization, and say how much it weighs.")
    with access.platform() as session:
        administration.set_weight(session, org_id, figure, access.actor, reason or None)
    return _back(request, f"It gets {figure} jobs in each round." if figure > 1 else "It weighs as much as the others.")


def _rows(session: Session) -> Sequence[Row]:
    threads = threads_by_queue(raw_connection(session))
    by_queue: dict[str, JobFigures] = {}
    for kind, figures in jobs_by_kind(session, Span.HOUR, now=datetime.now(UTC)).items():
        spec = spec_for(kind)
        if spec is not None:
            by_queue.setdefault(spec.queue, JobFigures()).add(figures)
    return [
        Row(
            queue=status,
            state=_state(status),
            threads=threads.get(status.name, 0),
            ended=by_queue.get(status.name, JobFigures()).total(),
            failed=by_queue.get(status.name, JobFigures()).total(FAILED),
        )
        for status in queue_statuses(session)
    ]


def _state(status: QueueStatus) -> State:
    if status.draining_at is not None:
        return State("waiting", "draining", status.because or "")
    if status.paused_at is not None:
        return State("limited", "paused", status.because or "")
    return State("good", "open")


def _what(limit: Limit, names: Mapping[UUID, str]) -> str:
    organization = names[limit.tenant_id] if limit.tenant_id else None
    return ", ".join(part for part in (organization, limit.kind, limit.key and f"key {limit.key}") if part)


def _back(request: Request, words: str) -> Response:
    response = RedirectResponse(PATH, status_code=303)
    flash(request, response, words)
    return response


def _id(written: str) -> UUID | None:
    try:
        return UUID(written) if written else None
    except ValueError:
        raise ProblemError(422, "Choose one of the organizations.") from None


def _figure(written: str) -> int | None:
    try:
        return int(written) if written.strip() else None
    except ValueError:
        raise ProblemError(422, "Write figures in digits, such as 20.") from None
