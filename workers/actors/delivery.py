"""Actors of delivery."""

from __future__ import annotations

from domain.delivery.means import Means
from domain.delivery.messages import SendDelivery
from domain.delivery.send import send_delivery
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from workers.registry import actor
from workers.services import Services


@actor(SendDelivery)
def send(message: SendDelivery, run: Run, services: Services) -> Outcome:
    """Send one delivery."""
    means = Means(
        services.sms,
        services.email,
        services.health,
        services.clock,
        services.public_url,
        services.unsubscribe,
    )
    return send_delivery(message, run, means)
