"""The journey of a message as JSON, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from api.access.requires import Access, requires
from api.journeys import journey_for, offset_ms
from domain.conversations.journey import Journey, JourneyState
from domain.conversations.journey_step import Step, StepKind
from domain.conversations.journey_words import Tone

router = APIRouter(tags=["Journeys"])
Viewing = Annotated[Access, requires("journeys.view")]


class StepDocument(BaseModel):
    """One thing that happened. `what`, `outcome`, `detail` and `facts` are plain words without texts and numbers."""

    at: datetime
    offset_ms: float
    """Milliseconds since the first step."""
    kind: StepKind
    what: str
    outcome: str
    tone: Tone
    detail: str
    wait_ms: float | None
    """How long a run waited since its job was queued, or since the run before ended."""
    duration_ms: float | None
    facts: dict[str, str]
    """What it rests on, such as the inputs of a decision."""
    ids: dict[str, str]


class WhyDocument(BaseModel):
    """The question that a journey raises, such as why there was no reply, and its answer by sentences."""

    question: str
    answer: list[str]


class JourneyDocument(BaseModel):
    """All that is on record about a message. `reply` is the answer once the customer has it or will get it."""

    correlation_id: UUID
    client_name: str | None
    state: JourneyState
    headline: str
    finished: bool
    answered_ms: float | None
    reply: str | None
    why: WhyDocument | None
    advice: list[str]
    steps: list[StepDocument]


@router.get("/api/v1/journeys/{correlation_id}")
def journey(correlation_id: UUID, access: Viewing) -> JourneyDocument:
    """Return the steps on record of the message with this correlation id, in the order in which they happened."""
    found = journey_for(access, correlation_id)
    return JourneyDocument(
        correlation_id=found.correlation_id,
        client_name=found.client_name,
        state=found.state,
        headline=found.headline,
        finished=found.finished,
        answered_ms=found.answered_ms,
        reply=found.reply,
        why=None if found.why is None else WhyDocument(question=found.why.question, answer=list(found.why.answer)),
        advice=list(found.advice),
        steps=[_document(found, step) for step in found.steps],
    )


def _document(journey: Journey, step: Step) -> StepDocument:
    return StepDocument(
        at=step.at,
        offset_ms=offset_ms(journey, step),
        kind=step.kind,
        what=step.what,
        outcome=step.outcome,
        tone=step.tone,
        detail=step.detail,
        wait_ms=step.wait_ms,
        duration_ms=step.duration_ms,
        facts=dict(step.facts),
        ids=dict(step.ids),
    )
