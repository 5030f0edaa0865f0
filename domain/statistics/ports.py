"""What whoever counts tells of, for pages that are open."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, NamedTuple
from uuid import UUID

STATISTICS: Final = "statistics"
"""The topic of charts: there are new points."""


class Change(NamedTuple):
    """There is news of a topic in an organization, or of one of its clients: that, and never what the news is."""

    topic: str
    org_id: UUID
    client_id: UUID | None = None


Tell = Callable[[Collection[Change]], None]
"""Lets open pages know of changes. It must not raise, and may lose some: pages also look by themselves."""
