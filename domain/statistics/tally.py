"""Counts of one process, in its memory. A count is a lock and a few additions: it is taken on hot paths."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Final
from uuid import UUID

from domain.statistics.activities import TOPICS, Activity, Noted, noted
from domain.statistics.figures import ActivityKey, Counts, JobFigures, JobKey
from domain.statistics.ports import Change

MOST_KEYS: Final = 20_000
"""Different things that are kept while the database is away: about 15 MB. What is new beyond that is not counted."""
_MINUTE: Final = 60


class Tally:
    """Counts until somebody takes the counts. Threads share it; `now` tells seconds since 1970."""

    def __init__(self, now: Callable[[], float] = time.time, *, most_keys: int = MOST_KEYS) -> None:
        self._now = now
        self._most_keys = most_keys
        self._lock = threading.Lock()
        self._counts = Counts()
        self._changes: set[Change] = set()
        self._dropped = 0

    def job_ended(
        self,
        org_id: UUID,
        kind: str,
        queue: str,
        outcome: str,
        *,
        waited: float | None = None,
        ran: float | None = None,
    ) -> None:
        """Count an attempt at a job; seconds it had waited and ran, where they are known."""
        with self._lock:
            figures = self._figures(JobKey(self._minute(), org_id, kind, queue))
            if figures is not None:
                figures.count(outcome, waited, ran)
            self._changes.add(Change("jobs", org_id))
            if outcome in {"dead", "lost"}:
                self._changes.add(Change("dead_letters", org_id))

    def happened(
        self, activity: Activity, label: str, *, org_id: UUID, client_id: UUID | None = None, times: int = 1
    ) -> None:
        """Count something that is committed."""
        self._happened([(org_id, client_id, activity.value, label, times)])

    def after_commit(self, info: MutableMapping[Any, Any]) -> None:
        """Commit hook of `Database`: count what the transaction noted."""
        found = noted(info)
        if found:
            self._happened(found)

    def take(self) -> Counts:
        """Return the counts so far, and begin anew."""
        with self._lock:
            counts, self._counts = self._counts, Counts()
            return counts

    def give_back(self, counts: Counts) -> None:
        """Take counts back that could not be written."""
        with self._lock:
            for key, more in counts.jobs.items():
                figures = self._figures(key)
                if figures is not None:
                    figures.add(more)
            for activity, times in counts.activities.items():
                self._add(activity, times)

    def take_changes(self) -> set[Change]:
        """Return, once, what there is news of."""
        with self._lock:
            changes, self._changes = self._changes, set()
            return changes

    def take_dropped(self) -> int:
        """Return, once, how many things were not counted for want of room."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
            return dropped

    def _happened(self, found: Iterable[Noted]) -> None:
        with self._lock:
            minute = self._minute()
            for org_id, client_id, activity, label, times in found:
                self._add(ActivityKey(minute, org_id, client_id, activity, label), times)
                self._changes.add(Change(TOPICS[activity], org_id, client_id))

    def _figures(self, key: JobKey) -> JobFigures | None:
        figures = self._counts.jobs.get(key)
        if figures is None and self._has_room():
            figures = self._counts.jobs[key] = JobFigures()
        return figures

    def _add(self, key: ActivityKey, times: int) -> None:
        if key in self._counts.activities or self._has_room():
            self._counts.activities[key] = self._counts.activities.get(key, 0) + times

    def _has_room(self) -> bool:
        if len(self._counts.jobs) + len(self._counts.activities) < self._most_keys:
            return True
        self._dropped += 1
        return False

    def _minute(self) -> int:
        return int(self._now()) // _MINUTE * _MINUTE
