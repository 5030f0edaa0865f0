"""What a run of a job came to, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Done:
    """The work is finished. `note` says what was found, when that is worth knowing."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """The try failed; another may succeed. `after` is the least wait, as a provider asked for it (`Retry-After`)."""

    reason: str
    after: timedelta | None = None
    error_class: str = ""


@dataclass(frozen=True, slots=True)
class Snooze:
    """It is too early: run again at `until`. Uses up no try. Raises ValueError for a time without a timezone."""

    until: datetime
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse a time that PostgreSQL would take for one of its own timezone."""
        if self.until.tzinfo is None:
            raise ValueError("Snooze until a time with a timezone.")


@dataclass(frozen=True, slots=True)
class Cancel:
    """There is nothing to do any more, on purpose: a switch was thrown, the subject is gone."""

    reason: str


@dataclass(frozen=True, slots=True)
class Dead:
    """It cannot succeed by itself: a person has to look at it."""

    reason: str
    error_class: str = ""


Outcome = Done | Retry | Snooze | Cancel | Dead
