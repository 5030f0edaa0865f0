"""One step of a journey, whatever record it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from domain.conversations.journey_words import Tone

StepKind = Literal["webhook", "decision", "job", "attempt", "reply", "delivery", "send_attempt", "receipt", "alert"]
_LAST: Final = UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. `what`, `outcome` and `detail` are for people; `duration_ms` where it took time.

    `wait_ms`: how long a run waited for its turn. `facts`: what the step rests on, in words and without texts and
    numbers of people. `text` is the message that the step is about, for those who may read it.
    """

    at: datetime
    kind: StepKind
    what: str
    outcome: str
    tone: Tone
    detail: str = ""
    duration_ms: float | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    text: str | None = field(default=None, repr=False)
    order: UUID = field(default=_LAST, repr=False)
    """Decides between steps of one transaction, which share their time: ids grow in the order of their making."""
    wait_ms: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def milliseconds(begun: datetime, ended: datetime | None) -> float | None:
    """Return how long something took, None while it takes."""
    return None if ended is None else round((ended - begun).total_seconds() * 1000, 3)
