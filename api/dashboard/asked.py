"""What a source of the overview is asked: by whom, for which time, and how it reads."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.access.requires import Access
    from api.dashboard.kept import Kept
    from config.settings import Settings
    from domain.statistics.steps import Span

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a source.

    `access` reaches as far as the part's own permission; `kind` narrows to one kind of job. What is read may be up to
    `seconds` old.
    """

    access: Access
    span: Span
    kind: str | None
    now: datetime
    settings: Settings
    kept: Kept
    seconds: float

    def read(self, name: str, read: Callable[[Session], T], *, by: Hashable = ()) -> T:
        """Return what `read` finds within reach; kept for all who reach as far. `by`: what else it depends on."""
        clients = self.access.reach.clients
        key = (name, self.access.org_id, None if clients is None else frozenset(clients), by)
        return self.kept.get(key, self.seconds, lambda: self._within(read))

    def read_platform(self, name: str, read: Callable[[Session], T], *, by: Hashable = ()) -> T:
        """Return what `read` finds of the platform itself, whichever organization the page is about."""
        return self.kept.get((name, by), self.seconds, lambda: self._platform(read))

    def look(self, name: str, look: Callable[[], T]) -> T:
        """Return what `look` finds elsewhere than in the database."""
        return self.kept.get((name,), self.seconds, look)

    def _within(self, read: Callable[[Session], T]) -> T:
        with self.access.scope() as session:
            return read(session)

    def _platform(self, read: Callable[[Session], T]) -> T:
        with self.access.platform() as session:
            return read(session)
