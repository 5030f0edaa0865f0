"""The jobs of this capability."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.queue.message import Message, job


@job(kind="alerts.digest", queue="outbound", max_attempts=20)
@dataclass(frozen=True, slots=True)
class SendDigest(Message):
    """Tell an owner in one message what happened since the last one."""

    client_id: UUID


@job(kind="alerts.recheck", queue="maintenance")
@dataclass(frozen=True, slots=True)
class RecheckReach(Message):
    """Look again at the owners that could not be reached, and resolve the notices of those that can be."""
