"""Actors of the queue itself."""

from __future__ import annotations

from domain.deadletters.announce import job_died
from domain.queue.messages import JobDied, KeepUp
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from domain.queue.upkeep import keep_up_now
from workers.registry import actor
from workers.services import Services


@actor(JobDied)
def died(message: JobDied, run: Run, services: Services) -> Outcome:
    """Tell of jobs that died."""
    return job_died(message, run, services.clock)


@actor(KeepUp)
def keep_up(message: KeepUp, run: Run, services: Services) -> Outcome:
    """Make room for the coming months, and forget old workers."""
    del services
    return keep_up_now(message, run)
