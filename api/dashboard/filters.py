"""What narrows a list: fields of a form that is sent by GET, and the span of time that most lists have.

{{ filters(form) }} of `table.html` draws them. A page reads its own fields from its query parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from api.dashboard.frame import zone_of

if TYPE_CHECKING:
    from fastapi import Request

PRESETS: Final = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
_LABELS: Final = (
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("all", "Any time"),
    ("between", "Between …"),
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field. `options` of a select are pairs of value and label; an empty value stands for "any"."""

    name: str
    label: str
    value: str = ""
    kind: Literal["text", "select", "search"] = "text"
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A span of time that somebody chose; `since` is within it and `until` is not, None being without end.

    `begins` and `ends` are what stands in the fields, in the viewer's zone, `problem` what was wrong with them.
    """

    choice: str
    since: datetime | None
    until: datetime | None
    begins: str = ""
    ends: str = ""
    problem: str = ""
    default: str = "24h"

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        """What can be chosen, as pairs of value and label."""
        return _LABELS


@dataclass(frozen=True, slots=True)
class Filters:
    """A form that narrows a list."""

    fields: Sequence[Field] = ()
    time: TimeRange | None = None

    @property
    def narrowed(self) -> bool:
        """Whether any of it narrows the list, so that an empty one may have rows without."""
        changed = self.time is not None and self.time.choice != self.time.default
        return changed or any(one.value for one in self.fields)


def time_range(request: Request, *, default: str = "24h") -> TimeRange:
    """Return the span that `?time=` chooses, of `1h`, `24h`, `7d`, `all`, and `between` with `begins` and `ends`.

    Those two are in the viewer's zone unless they name one; UTC when none is known.
    """
    query, now = request.query_params, datetime.now(UTC)
    choice = query.get("time", default)
    if choice in PRESETS:
        return TimeRange(choice, now - PRESETS[choice], None, default=default)
    if choice == "all":
        return TimeRange(choice, None, None, default=default)
    if choice != "between":
        return TimeRange(default, now - PRESETS[default] if default in PRESETS else None, None, default=default)
    begins, ends = query.get("begins", "")[:40], query.get("ends", "")[:40]
    try:
        since, until = _read(request, begins), _read(request, ends)
    except ValueError:
        problem = "Write times as in 2026-01-31T17:05."
        return TimeRange(choice, now, now, begins, ends, problem, default)
    if since and until and since >= until:
        return TimeRange(choice, since, until, begins, ends, "The end has to be after the beginning.", default)
    return TimeRange(choice, since, until, begins, ends, default=default)


def _read(request: Request, written: str) -> datetime | None:
    if not written:
        return None
    at = datetime.fromisoformat(written)
    zone = zone_of(request) or UTC
    try:
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise ValueError("Years begin at 1 and end at 9999.") from None
