"""The jobs of this capability."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from domain.queue.message import Message, job


@job(kind="audit.verify", queue="maintenance", time_limit=timedelta(minutes=10))
@dataclass(frozen=True, slots=True)
class VerifyAudit(Message):
    """Verify the newest entries of every chain, and tell operators when something is wrong."""


@job(kind="audit.verify_all", queue="maintenance", max_attempts=2, time_limit=timedelta(hours=1))
@dataclass(frozen=True, slots=True)
class VerifyWholeAudit(Message):
    """Verify every entry of every chain, and tell operators when something is wrong."""
