"""What actors are handed: the database, the time, and the providers that the settings name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.access.means import AccountMeans
from domain.conversations.ports import InboundList, ThreadSignal
from domain.delivery.ports import EmailProvider, ProviderHealth, SmsProvider
from domain.delivery.unsubscribe import UnsubscribeLinks
from domain.flags.inforce import DEFAULTS
from domain.flags.ports import Flags
from domain.kernel.clock import Clock
from domain.kernel.database import Database
from domain.replies.ports import Composer
from domain.webhooks.means import WebhookMeans
from providers.account_post import EmailPost
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
    accounts: AccountMeans
    flags: Flags


def build_services(settings: Settings, database: Database, clock: Clock, flags: Flags = DEFAULTS) -> Services:
    """Wire the providers that the settings name."""
    email, sealer = build_email(settings, database), build_sealer(settings)
    return Services(
        database=database,
        clock=clock,
        sms=build_sms(settings, database),
        email=email,
        health=build_health(settings),
        webhooks=WebhookMeans(build_webhooks(settings), sealer, clock),
        composer=build_composer(settings),
        thread_signal=RedisSignals(settings.redis_url.get_secret_value()),
        inbound=build_inbound(settings),
        unsubscribe=build_unsubscribe_links(settings),
        public_url=settings.public_url,
        accounts=AccountMeans(EmailPost(email), sealer, clock, settings.public_url),
        flags=flags,
    )
