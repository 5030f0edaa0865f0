"""Actors of dead letters."""

from __future__ import annotations

from domain.deadletters.messages import Operate
from domain.deadletters.operate import operate
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from workers.registry import actor
from workers.services import Services


@actor(Operate)
def work(message: Operate, run: Run, services: Services) -> Outcome:
    """Bring an operation on many dead letters further."""
    return operate(message, run, services.clock)
