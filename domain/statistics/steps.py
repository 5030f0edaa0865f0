"""Over which stretches of time things are counted, how long that is kept, and which of them a chart reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final


class Step(StrEnum):
    """A stretch of time that counts are kept of."""

    MINUTE = "minute"
    TEN_MINUTES = "ten_minutes"
    HOUR = "hour"


class Span(StrEnum):
    """How much time a chart shows, up to now."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


WIDTHS: Final[Mapping[Step, timedelta]] = {
    Step.MINUTE: timedelta(minutes=1),
    Step.TEN_MINUTES: timedelta(minutes=10),
    Step.HOUR: timedelta(hours=1),
}
KEPT: Final[Mapping[Step, timedelta]] = {
    Step.MINUTE: timedelta(days=2),
    Step.TEN_MINUTES: timedelta(days=9),
    Step.HOUR: timedelta(days=400),
}
_DRAWN: Final[Mapping[Span, tuple[Step, int]]] = {
    Span.HOUR: (Step.MINUTE, 60),
    Span.DAY: (Step.TEN_MINUTES, 144),
    Span.WEEK: (Step.HOUR, 168),
}


def step_of(span: Span) -> Step:
    """Return the step between two points of a chart."""
    return _DRAWN[span][0]


def begin(step: Step, at: datetime) -> datetime:
    """Return when the step began that a moment (timezone-aware) is in."""
    width = int(WIDTHS[step].total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // width * width, UTC)


def points(span: Span, now: datetime) -> Sequence[datetime]:
    """Return when the steps of a chart begin, oldest first; the last one is not over yet."""
    step, count = _DRAWN[span]
    last = begin(step, now)
    return [last - WIDTHS[step] * back for back in reversed(range(count))]
