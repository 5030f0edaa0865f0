"""How a piece of work stands: pure decisions about what was asked for, what runs, and what the last run came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from domain.maintenance.work import Work
from domain.queue.names import State

Standing = Literal["running", "waiting", "retrying", "fine", "failed", "unfinished", "late", "never"]
"""`unfinished`: it began long ago and never said how it ended. `late`: it should have been done by now."""

GRACE: Final = timedelta(minutes=1)
"""How much later than its time work may be asked for, or begun, before it counts as late."""
LONGEST: Final = timedelta(hours=2)
"""A run from the command line that has no outcome after this was killed."""


@dataclass(frozen=True, slots=True)
class LiveJob:
    """Its job that has not ended. `since`: when it began to run, or is due."""

    id: UUID
    state: State
    since: datetime


@dataclass(frozen=True, slots=True)
class LastRun:
    """Its newest run that is no live job.

    `job_id`: None for one that was no job. `outcome`: None when it never said. `by`: who asked for it, in a word.
    """

    started_at: datetime
    finished_at: datetime | None
    outcome: Literal["done", "failed"] | None
    words: str
    by: str
    job_id: UUID | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Schedule:
    """Work and all that is known of it at `now` (the database's clock)."""

    work: Work
    now: datetime
    asked_at: datetime | None = None
    live: LiveJob | None = None
    last: LastRun | None = None

    @property
    def next_at(self) -> datetime | None:
        """When it will be asked for or is to be done; None when it never was. The past means that it is due."""
        begun = None if self.last is None else self.last.started_at
        since = self.asked_at if self.work.asked else begun
        if since is None:
            return None
        # A time that lies more than a period ahead was written before the clock was set back: it counts for nothing.
        return self.now if since > self.now + self.work.every else since + self.work.every

    @property
    def missed(self) -> int:
        """How many whole periods went by in which it should have been asked for or done."""
        due = self.next_at
        return 0 if due is None or due >= self.now else int((self.now - due) / self.work.every)

    @property
    def standing(self) -> Standing:
        """How it stands; what needs a person comes before what goes on by itself."""
        if self._is_late:
            return "late"
        if self.live is not None:
            states: dict[State, Standing] = {"executing": "running", "retryable": "retrying"}
            return states.get(self.live.state, "waiting")
        if self.last is None:
            return "never"
        if self.last.outcome is None:
            return "running" if self.now - self.last.started_at < LONGEST else "unfinished"
        return "fine" if self.last.outcome == "done" else "failed"

    @property
    def _is_late(self) -> bool:
        """Whether nobody asked in time, or nobody began what was asked for."""
        due = self.next_at
        if due is not None and self.now - due > max(GRACE, timedelta(0) if self.work.asked else self.work.every):
            return self.live is None or self.live.state != "executing"
        waits = self.live is not None and self.live.state == "available"
        return waits and self.live is not None and self.now - self.live.since > GRACE
