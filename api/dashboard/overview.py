"""The overview: what needs a person, and the parts that the reader's roles name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.access.requires import Access, requires
from api.dashboard.asked import Asked
from api.dashboard.banners import banners
from api.dashboard.frame import hub_for, zone_of
from api.dashboard.parts import Items, Part
from api.dashboard.sources import SOURCES
from api.pages import page
from domain.statistics.steps import Span

if TYPE_CHECKING:
    from domain.access.roles.documents import Widget

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("overview.view")]

SPANS: Final = ((Span.HOUR, "1 h", "Last hour"), (Span.DAY, "24 h", "Last 24 hours"), (Span.WEEK, "7 d", "Last 7 days"))
_CACHED: Final = 5
"""Seconds for which what a source gave is shown again, unless a role's file says otherwise."""
_TOPICS: Final = "statistics,notices,dead_letters,queues,workers"
_UNKNOWN: Final = Items(empty="This version does not know how to show this. Look at the role's file.")


@dataclass(frozen=True, slots=True)
class Shown:
    """A widget and what is in it."""

    widget: Widget
    part: Part


@router.get("/dashboard/overview")
def overview(
    request: Request,
    access: Viewing,
    span: Span = Span.HOUR,
    kind: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show the overview, over an hour, a day or a week, and of one kind of job if one is asked for."""
    hub = hub_for(request, access.principal)

    def asked(permission: str, seconds: float = _CACHED) -> Asked | None:
        within = access.by(permission)
        if within is None or not any(box.owners is None for box in within.reach.boxes):
            return None
        state = request.app.state
        return Asked(within, span, kind or None, state.clock.now(), state.settings, state.kept, seconds)

    shown = [
        Shown(widget, SOURCES[widget.source](question) if widget.source in SOURCES else _UNKNOWN)
        for widget in hub.widgets
        if (question := asked(widget.permission, hub.caching.get(widget.source, _CACHED))) is not None
    ]
    return page(
        "overview.html",
        request=request,
        banners=banners(asked),
        shown=shown,
        span=span,
        spans=SPANS,
        kind=kind,
        refresh=min((widget.refresh_seconds for widget in hub.widgets), default=60),
        topics=_TOPICS,
        live=hub.features.get("live_updates", False),
        zone=str(zone_of(request) or ""),
        address=f"/dashboard/overview?{request.url.query}" if request.url.query else "/dashboard/overview",
    )
