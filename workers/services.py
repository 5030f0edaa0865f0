"""What actors are handed: the database, the time, and the providers that the settings name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.conversations.ports import InboundList, ThreadSignal
from domain.delivery.ports import EmailProvider, ProviderHealth, SmsProvider
from domain.delivery.unsubscribe import UnsubscribeLinks
from domain.kernel.clock import Clock
from domain.kernel.database import Database
from domain.replies.ports import Composer
from domain.webhooks.means import WebhookMeans
from providers.registry import (
    build_composer,
    build_email,
    build_health,
    build_inbound,
    build_sealer,
    build_sms,
    build_unsubscribe_links,
    build_webhooks,
)
from providers.signals import RedisSignals

if TYPE_CHECKING:
    from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The ports that use cases need, wired once a process."""

    database: Database
    clock: Clock
    sms: SmsProvider
    email: EmailProvider
    health: ProviderHealth
    webhooks: WebhookMeans
    composer: Composer
    thread_signal: ThreadSignal
    inbound: InboundList | None
    unsubscribe: UnsubscribeLinks
    public_url: str


def build_services(settings: Settings, database: Database, clock: Clock) -> Services:
    """Wire the providers that the settings name."""
    return Services(
        database=database,
        clock=clock,
        sms=build_sms(settings, database),
        email=build_email(settings, database),
        health=build_health(settings),
        webhooks=WebhookMeans(build_webhooks(settings), build_sealer(settings), clock),
        composer=build_composer(settings),
        thread_signal=RedisSignals(settings.redis_url.get_secret_value()),
        inbound=build_inbound(settings),
        unsubscribe=build_unsubscribe_links(settings),
        public_url=settings.public_url,
    )
