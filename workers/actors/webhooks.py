"""Actors of webhooks."""

from __future__ import annotations

from domain.queue.outcome import Outcome
from domain.queue.run import Run
from domain.webhooks.messages import ReplayEvents, ResealSecrets, SendWebhook
from domain.webhooks.replay import replay_events
from domain.webhooks.reseal import reseal_secrets
from domain.webhooks.send import send_webhook
from workers.registry import actor
from workers.services import Services


@actor(SendWebhook)
def send(message: SendWebhook, run: Run, services: Services) -> Outcome:
    """Tell one endpoint of one event."""
    return send_webhook(message, run, services.webhooks)


@actor(ReplayEvents)
def replay(message: ReplayEvents, run: Run, services: Services) -> Outcome:
    """Send the events of a time again."""
    return replay_events(message, run, services.clock)


@actor(ResealSecrets)
def reseal(message: ResealSecrets, run: Run, services: Services) -> Outcome:
    """Seal with the present secret key what the one before it sealed."""
    return reseal_secrets(message, run, services.webhooks.sealer)
