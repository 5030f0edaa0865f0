"""What is counted of jobs, and of everything else, before and after it is in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from domain.statistics.histogram import BUCKETS, bucket_of

COLUMNS: Final[Mapping[str, str]] = {
    "completed": "completed",
    "retry": "retried",
    "snoozed": "snoozed",
    "cancelled": "cancelled",
    "dead": "dead",
    "lost": "lost",
    "handed_back": "handed_back",
}
"""The column for each outcome of an attempt."""
FAILED: Final = ("retried", "dead", "lost")
ALL_KINDS: Final = ""
"""The kind, and the queue, of the row that counts all of them."""


@dataclass(slots=True)
class JobFigures:
    """Attempts that ended, by column, and how long they had waited and ran: sums in ms, and histograms."""

    ended: dict[str, int] = field(default_factory=dict)
    wait_ms: int = 0
    run_ms: int = 0
    waits: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    runs: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def count(self, outcome: str, waited: float | None, ran: float | None) -> None:
        """Count one attempt. Seconds; None for a time that nobody knows, as of an attempt that was lost."""
        column = COLUMNS[outcome]
        self.ended[column] = self.ended.get(column, 0) + 1
        if waited is not None:
            self.wait_ms += round(max(0.0, waited) * 1000)
            self.waits[bucket_of(waited)] += 1
        if ran is not None:
            self.run_ms += round(max(0.0, ran) * 1000)
            self.runs[bucket_of(ran)] += 1

    def add(self, other: JobFigures) -> None:
        """Add what another one counted."""
        for column, times in other.ended.items():
            self.ended[column] = self.ended.get(column, 0) + times
        self.wait_ms += other.wait_ms
        self.run_ms += other.run_ms
        self.waits = added(self.waits, other.waits)
        self.runs = added(self.runs, other.runs)

    def total(self, columns: Sequence[str] = tuple(COLUMNS.values())) -> int:
        """Return how many attempts ended in any of these ways."""
        return sum(self.ended.get(column, 0) for column in columns)


class JobKey(NamedTuple):
    """What attempts are counted by. `minute`: seconds since 1970 at which it began."""

    minute: int
    org_id: UUID
    kind: str
    queue: str


class ActivityKey(NamedTuple):
    """What everything else is counted by."""

    minute: int
    org_id: UUID
    client_id: UUID | None
    activity: str
    label: str


@dataclass(slots=True)
class Counts:
    """What was counted and is not written yet."""

    jobs: dict[JobKey, JobFigures] = field(default_factory=dict)
    activities: dict[ActivityKey, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.jobs or self.activities)


def added(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Return two histograms as one."""
    return [mine + theirs for mine, theirs in zip(one, other, strict=True)]
