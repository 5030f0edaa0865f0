"""Actors of delivery."""

from __future__ import annotations

from domain.alerts.follow_up import delivery_failed, sender_refused
from domain.delivery.abandoned import sweep_deliveries
from domain.delivery.means import Means
from domain.delivery.messages import DeliveryFailed, PollDeliveries, SendDelivery, SenderRefused, SweepDeliveries
from domain.delivery.poll import poll_deliveries
from domain.delivery.send import send_delivery
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from workers.registry import actor
from workers.services import Services


@actor(SendDelivery)
def send(message: SendDelivery, run: Run, services: Services) -> Outcome:
    """Send one delivery."""
    return send_delivery(message, run, _means(services))


@actor(PollDeliveries)
def poll(message: PollDeliveries, run: Run, services: Services) -> Outcome:
    """Ask about messages of which nothing was reported for long."""
    return poll_deliveries(message, run, _means(services), services.database)


@actor(SweepDeliveries)
def sweep(message: SweepDeliveries, run: Run, services: Services) -> Outcome:
    """End what nothing would end any more."""
    del services
    return sweep_deliveries(message, run)


@actor(DeliveryFailed)
def failed(message: DeliveryFailed, run: Run, services: Services) -> Outcome:
    """Tell of a delivery that came to nothing."""
    return delivery_failed(message, run, clock=services.clock)


@actor(SenderRefused)
def refused(message: SenderRefused, run: Run, services: Services) -> Outcome:
    """Tell the owner that texts wait."""
    return sender_refused(message, run, clock=services.clock)


def _means(services: Services) -> Means:
    return Means(
        services.sms,
        services.email,
        services.health,
        services.clock,
        services.public_url,
        services.unsubscribe,
    )
