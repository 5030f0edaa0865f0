"""The jobs of this capability."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from domain.queue.message import Message, job


@job(kind="deadletters.operate", queue="maintenance", max_attempts=20, time_limit=timedelta(seconds=120))
@dataclass(frozen=True, slots=True)
class Operate(Message):
    """Bring an operation on many dead letters further, to its end if it can be."""

    operation_id: UUID
