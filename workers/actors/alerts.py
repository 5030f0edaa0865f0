"""Actors of alerts."""

from __future__ import annotations

from domain.alerts.digest import send_digest
from domain.alerts.messages import RecheckReach, SendDigest
from domain.alerts.recheck import recheck_reach
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from workers.registry import actor
from workers.services import Services


@actor(SendDigest)
def digest(message: SendDigest, run: Run, services: Services) -> Outcome:
    """Tell an owner what was gathered."""
    return send_digest(message, run, clock=services.clock)


@actor(RecheckReach)
def recheck(message: RecheckReach, run: Run, services: Services) -> Outcome:
    """Look again at the owners that could not be reached."""
    return recheck_reach(message, run, clock=services.clock)
