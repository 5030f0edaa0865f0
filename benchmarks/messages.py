"""The benchmark's own kinds of jobs."""

from __future__ import annotations

from dataclasses import dataclass

from domain.queue.message import Message, job


@job(kind="benchmark.noop")
@dataclass(frozen=True, slots=True)
class Noop(Message):
    """Do nothing."""

    number: int


@job(kind="benchmark.mark", queue="inbound")
@dataclass(frozen=True, slots=True)
class Mark(Message):
    """Say when it was picked up."""

    number: int
