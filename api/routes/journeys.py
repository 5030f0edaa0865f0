"""The journey of a message: as JSON for programs, as a page for people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.deps import SettingsDep, settings_of
from api.pages import page
from domain.conversations.journey import (
    Journey,
    JourneyNotFoundError,
    JourneyState,
    organization_of_journey,
    read_journey,
)
from domain.conversations.journey_steps import Step, StepKind
from domain.conversations.journey_words import Tone
from domain.conversations.recent import recent_messages

_SECOND: Final = 1_000
_MINUTE: Final = 60_000

router = APIRouter(tags=["Journeys"])
Viewing = Annotated[Access, requires("journeys.view")]


class StepDocument(BaseModel):
    """One thing that happened. `what`, `outcome` and `detail` are plain words without texts and numbers."""

    at: datetime
    offset_ms: float
    """Milliseconds since the first step."""
    kind: StepKind
    what: str
    outcome: str
    tone: Tone
    detail: str
    duration_ms: float | None
    ids: dict[str, str]


class JourneyDocument(BaseModel):
    """All that is on record about a message. `reply` is the answer once the customer has it or will get it."""

    correlation_id: UUID
    client_name: str | None
    state: JourneyState
    headline: str
    finished: bool
    answered_ms: float | None
    reply: str | None
    advice: list[str]
    steps: list[StepDocument]


@router.get("/api/v1/journeys/{correlation_id}")
def journey(correlation_id: UUID, access: Viewing) -> JourneyDocument:
    """Return the steps on record of the message with this correlation id, in the order in which they happened."""
    found = _find(access, correlation_id)
    return JourneyDocument(
        correlation_id=found.correlation_id,
        client_name=found.client_name,
        state=found.state,
        headline=found.headline,
        finished=found.finished,
        answered_ms=found.answered_ms,
        reply=found.reply,
        advice=list(found.advice),
        steps=[_document(found, step) for step in found.steps],
    )


@router.get("/dashboard/journeys", include_in_schema=False)
def search(
    request: Request, access: Viewing, wanted: Annotated[str, Query(alias="id", max_length=200)] = ""
) -> Response:
    """Show the messages that came in last and the form that asks for an id, or go to the journey."""
    if not wanted.strip():
        return _search_page(request, access)
    try:
        correlation_id = UUID(wanted.strip())
    except ValueError:
        problem = "That is not a correlation id. It looks like 01930000-0000-7000-8000-000000000000."
        return _search_page(request, access, wanted, problem)
    return RedirectResponse(f"/dashboard/journeys/{correlation_id}", status_code=303)


@router.get("/dashboard/journeys/{correlation_id}", include_in_schema=False)
def journey_page(request: Request, correlation_id: str, settings: SettingsDep, access: Viewing) -> Response:
    """Show a journey."""
    try:
        found = _find(access, UUID(correlation_id))
    except (ValueError, JourneyNotFoundError):
        sandbox = not settings.is_production
        return page("journey_missing.html", 404, request=request, wanted=correlation_id[:64], sandbox=sandbox)
    rows = [_row(found, step) for step in found.steps]
    return page("journey.html", request=request, journey=found, rows=rows, sandbox=not settings.is_production)


def _find(access: Access, correlation_id: UUID) -> Journey:
    """Read a journey in its organization's scope, also for who may see those of all."""
    org_id = access.org_id
    if org_id is None:
        with access.platform() as session:
            org_id = organization_of_journey(session, correlation_id)
    with access.scope_of(org_id) as session:
        return read_journey(session, correlation_id)


def _search_page(request: Request, access: Access, wanted: str = "", problem: str = "") -> Response:
    with access.scope() as session:
        messages = recent_messages(session)
    return page(
        "journey_search.html",
        422 if problem else 200,
        request=request,
        problem=problem,
        wanted=wanted,
        messages=messages,
        sandbox=not settings_of(request).is_production,
    )


def _document(journey: Journey, step: Step) -> StepDocument:
    return StepDocument(
        at=step.at,
        offset_ms=_offset_ms(journey, step),
        kind=step.kind,
        what=step.what,
        outcome=step.outcome,
        tone=step.tone,
        detail=step.detail,
        duration_ms=step.duration_ms,
        ids=dict(step.ids),
    )


def _row(journey: Journey, step: Step) -> dict[str, object]:
    offset = _offset_ms(journey, step)
    return {"step": step, "offset": _since_start(offset), "took": _took(step)}


def _offset_ms(journey: Journey, step: Step) -> float:
    return round((step.at - journey.steps[0].at).total_seconds() * 1000, 3)


def _took(step: Step) -> str:
    if step.duration_ms is None:
        return ""
    long = step.duration_ms >= _SECOND
    return f"took {step.duration_ms / _SECOND:.1f} s" if long else f"took {step.duration_ms:.0f} ms"


def _since_start(milliseconds: float) -> str:
    """Return a time since the start as people read it: to the millisecond at first, coarser when it is long."""
    if milliseconds < _MINUTE:
        return f"+{milliseconds / _SECOND:.3f} s"
    minutes, rest = divmod(round(milliseconds / _SECOND), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"+{days} d {hours} h"
    return f"+{hours} h {minutes} min" if hours else f"+{minutes} min {rest} s"
