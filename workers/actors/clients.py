"""Actors of clients."""

from __future__ import annotations

from domain.clients.billing import carry_out_due
from domain.clients.messages import CarryOutDue
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from workers.registry import actor
from workers.services import Services


@actor(CarryOutDue)
def carry_out(message: CarryOutDue, run: Run, services: Services) -> Outcome:
    """Write down what time has taken."""
    del services
    return carry_out_due(message, run)
