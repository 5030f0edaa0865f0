"""What was counted of jobs and of messages, over time: what the overview draws."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from api.access.requires import Access, requires
from domain.statistics.activities import Activity
from domain.statistics.charts import activity_points, job_points
from domain.statistics.histogram import percentile
from domain.statistics.steps import Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

router = APIRouter(tags=["Statistics"])

PERMISSIONS: Final[Mapping[Activity, str]] = {
    Activity.RECEIVED: "conversations.view",
    Activity.REPLIED: "conversations.view",
    Activity.DELIVERY: "deliveries.view",
    Activity.BLOCKED: "journeys.view",
    Activity.LEAD: "leads.view",
    Activity.NOTIFICATION: "notifications.view",
}
"""What it takes to see how often something happened, besides the overview."""

Spanned = Annotated[Span, Query(description="Up to now: an hour by minutes, a day by ten minutes, a week by hours.")]


class Percentiles(BaseModel):
    """Milliseconds that half, 95% and 99% did not exceed; None when nothing was measured."""

    p50: float | None
    p95: float | None
    p99: float | None


class JobPointDocument(BaseModel):
    """Attempts at jobs that ended within the step that began at `at`, by outcome, and what they took."""

    at: datetime
    completed: int
    retried: int
    snoozed: int
    cancelled: int
    dead: int
    lost: int
    handed_back: int
    wait_ms: Percentiles
    run_ms: Percentiles


class ActivityPointDocument(BaseModel):
    """How often something happened within the step that began at `at`, by label."""

    at: datetime
    times: dict[str, int]


class JobStatistics(BaseModel):
    """Every step of the span, the oldest first; the last one is not over yet."""

    items: list[JobPointDocument]


class ActivityStatistics(BaseModel):
    """Of each activity every step of the span, as above."""

    items: dict[Activity, list[ActivityPointDocument]]


@router.get("/api/v1/statistics/jobs")
def jobs(
    request: Request,
    access: Annotated[Access, requires("queues.view")],
    span: Spanned = Span.HOUR,
    kind: Annotated[str | None, Query(max_length=100, description="One kind of job; all of them without.")] = None,
) -> JobStatistics:
    """Return how attempts at jobs ended, of the organization that the request names or of all.

    Counts are written every few seconds, and are statistics: a process that is killed takes its last ones along.
    """
    with access.scope() as session:
        found = job_points(session, span, now=request.app.state.clock.now(), kind=kind)
    return JobStatistics(
        items=[
            JobPointDocument(
                at=point.at,
                completed=point.figures.total(["completed"]),
                retried=point.figures.total(["retried"]),
                snoozed=point.figures.total(["snoozed"]),
                cancelled=point.figures.total(["cancelled"]),
                dead=point.figures.total(["dead"]),
                lost=point.figures.total(["lost"]),
                handed_back=point.figures.total(["handed_back"]),
                wait_ms=_percentiles(point.figures.waits),
                run_ms=_percentiles(point.figures.runs),
            )
            for point in found
        ]
    )


@router.get("/api/v1/statistics/activities")
def activities(
    request: Request,
    access: Annotated[Access, requires("overview.view")],
    span: Spanned = Span.HOUR,
    activity: Annotated[list[Activity] | None, Query(description="These alone; else all that may be seen.")] = None,
) -> ActivityStatistics:
    """Return how often things happened, within reach; takes the permission to see the things themselves as well."""
    for one in activity or ():
        access.need(PERMISSIONS[one])
    now = request.app.state.clock.now()
    found: dict[Activity, list[ActivityPointDocument]] = {}
    for one in activity or Activity:
        within = access.by(PERMISSIONS[one])
        if within is not None:
            with within.scope() as session:
                points = activity_points(session, one, span, now=now)
            found[one] = [ActivityPointDocument(at=point.at, times=dict(point.times)) for point in points]
    return ActivityStatistics(items=found)


def _percentiles(counts: Sequence[int]) -> Percentiles:
    p50, p95, p99 = (percentile(counts, share) for share in (0.5, 0.95, 0.99))
    return Percentiles(p50=p50, p95=p95, p99=p99)
