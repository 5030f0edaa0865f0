"""The jobs of this capability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.queue.message import Message, job

JOB_DIED: Final = "queue.job_died"


@job(kind="queue.keep_up", queue="maintenance")
@dataclass(frozen=True, slots=True)
class KeepUp(Message):
    """Do now what the scheduler does hourly: make room for the coming months, forget old workers."""


@job(kind=JOB_DIED, queue="default", max_attempts=10, priority=50)
@dataclass(frozen=True, slots=True)
class JobDied(Message):
    """Jobs of one organization died, all of one kind and cause (`fingerprint`); at most `announce.GROUP` of them.

    Before the organization's usual work, because an owner may have to answer a customer.
    """

    job_ids: tuple[UUID, ...]
