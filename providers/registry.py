"""Which adapter serves a port, by the settings. Vendors' clients are imported only when they are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.kernel.errors import GatehouseError
from providers.measured import MeasuredEmail, MeasuredSms

if TYPE_CHECKING:
    from config.settings import Settings
    from domain.access.openid_ports import OpenIdProvider
    from domain.conversations.ports import InboundList
    from domain.delivery.ports import EmailProvider, ProviderHealth, SmsProvider
    from domain.delivery.unsubscribe import UnsubscribeLinks
    from domain.kernel.database import Database
    from domain.replies.ports import Composer
    from domain.webhooks.ports import Sealer, WebhookCaller
    from providers.flags.process import ProcessFlags
    from providers.jwks.reader import TokenReader


class ProviderNotConfiguredError(GatehouseError):
    """A provider is chosen whose settings are missing; the message names them."""


def build_sms(settings: Settings, database: Database) -> SmsProvider:
    """Return what sends text messages, measured: in demo safe mode the sandbox, whatever provider is chosen.

    Raises ProviderNotConfiguredError.
    """
    return MeasuredSms(_twilio(settings) if _texts_for_real(settings) else _sandbox(settings, database))


def build_email(settings: Settings, database: Database) -> EmailProvider:
    """Return what sends e-mail, measured: in demo safe mode the sandbox, whatever provider is chosen.

    Raises ProviderNotConfiguredError.
    """
    return MeasuredEmail(_ses(settings) if _mails_for_real(settings) else _sandbox_email(settings, database))


def providers_in_use(settings: Settings) -> frozenset[str]:
    """Return the names of what `build_sms` and `build_email` give, without the vendors' clients."""
    return frozenset(
        (
            settings.sms_provider if _texts_for_real(settings) else "sandbox",
            settings.email_provider if _mails_for_real(settings) else "sandbox",
        )
    )


def build_health(settings: Settings) -> ProviderHealth:
    """Return what tells whether a provider is to be called now, shared by all processes."""
    from providers.health.health import SharedHealth  # noqa: PLC0415  # as below

    return SharedHealth(settings.redis_url.get_secret_value())


def build_flags(settings: Settings) -> ProcessFlags:
    """Return what keeps this process's flags. It has to be started and closed."""
    from providers.flags.process import ProcessFlags  # noqa: PLC0415  # as below

    return ProcessFlags(settings.postgres_url("platform"), settings.redis_url.get_secret_value())


def build_composer(settings: Settings) -> Composer:
    """Return what puts replies into words. Raises ProviderNotConfiguredError for one that this release lacks."""
    from providers.extractive.composer import ExtractiveComposer  # noqa: PLC0415  # as below

    if settings.ai.provider != ExtractiveComposer.name:
        raise ProviderNotConfiguredError(
            f"This release has no composer {settings.ai.provider!r}; set GATEHOUSE_AI__PROVIDER=extractive."
        )
    return ExtractiveComposer()


def build_inbound(settings: Settings) -> InboundList | None:
    """Return what lists the texts to our numbers; None when no provider could have any that we lack."""
    twilio = settings.twilio
    if not _texts_for_real(settings):
        return None
    if twilio.account_sid is None or twilio.auth_token is None:
        return None
    from providers.twilio.inbound import TwilioInbound  # noqa: PLC0415  # as above
    from providers.twilio.transport import TwilioTransport  # noqa: PLC0415  # as above

    transport = TwilioTransport(twilio.api_base_url)
    return TwilioInbound(twilio.account_sid, twilio.auth_token.get_secret_value(), transport, twilio.api_base_url)


def build_webhooks(settings: Settings) -> WebhookCaller:
    """Return what calls tenants' endpoints, measured: in demo safe mode one that calls nobody."""
    from providers.sandbox.webhooks import SandboxWebhooks  # noqa: PLC0415  # as above
    from providers.webhooks.addresses import networks  # noqa: PLC0415  # as above
    from providers.webhooks.caller import HttpWebhooks  # noqa: PLC0415  # as above
    from providers.webhooks.measured import MeasuredWebhooks  # noqa: PLC0415  # as above

    allowed = networks(settings.webhooks.allowed_networks)
    real = HttpWebhooks(https_only=settings.is_production, allowed=allowed)
    return MeasuredWebhooks(SandboxWebhooks(real) if settings.demo_safe_mode else real)


def build_token_reader(settings: Settings) -> TokenReader | None:
    """Return what reads bearer tokens of the configured issuer; None when none is set."""
    from providers.jwks.fetch import KeySetFetcher  # noqa: PLC0415  # as above
    from providers.jwks.keys import KeyStore  # noqa: PLC0415  # as above
    from providers.jwks.reader import TokenReader  # noqa: PLC0415  # as above
    from providers.webhooks.addresses import networks  # noqa: PLC0415  # as above

    rules = settings.jwt
    if rules.issuer is None or rules.audience is None or rules.jwks_url is None:
        return None
    fetch = KeySetFetcher(rules.jwks_url, https_only=settings.is_production, allowed=networks(rules.allowed_networks))
    return TokenReader(rules.issuer, rules.audience, KeyStore(fetch))


def build_sealer(settings: Settings) -> Sealer:
    """Return what keeps the secrets of endpoints."""
    from providers.sealing import FernetSealer  # noqa: PLC0415  # as above

    return FernetSealer(*_secret_keys(settings))


def build_openid(settings: Settings) -> OpenIdProvider | None:
    """Return the OpenID provider that people may sign in with, None when none is set."""
    from providers.oidc.client import OidcClient  # noqa: PLC0415  # as above
    from providers.webhooks.addresses import networks  # noqa: PLC0415  # as above

    oidc = settings.oidc
    if oidc.issuer is None or oidc.client_id is None:
        return None
    secret = oidc.client_secret.get_secret_value() if oidc.client_secret else None
    return OidcClient(oidc.issuer, oidc.client_id, secret, allowed=networks(oidc.allowed_networks))


def build_unsubscribe_links(settings: Settings) -> UnsubscribeLinks:
    """Return what makes and reads the links that end e-mails."""
    from providers.unsubscribe_links import SealedLinks  # noqa: PLC0415  # as above

    return SealedLinks(settings.public_url, *_secret_keys(settings))


def _texts_for_real(settings: Settings) -> bool:
    return settings.sms_provider == "twilio" and not settings.demo_safe_mode


def _mails_for_real(settings: Settings) -> bool:
    return settings.email_provider == "ses" and not settings.demo_safe_mode


def _secret_keys(settings: Settings) -> list[str]:
    """Return the key to seal with, and the one that was before it, if it is named."""
    keys = (settings.secret_key, settings.previous_secret_key)
    return [key.get_secret_value() for key in keys if key is not None]


def _twilio(settings: Settings) -> SmsProvider:
    from providers.twilio.sms import TwilioSms  # noqa: PLC0415  # a quarter of a second that the sandbox does not pay
    from providers.twilio.transport import TwilioTransport  # noqa: PLC0415  # as above

    twilio = settings.twilio
    if twilio.account_sid is None or twilio.auth_token is None:
        raise ProviderNotConfiguredError(
            "To send through Twilio, set GATEHOUSE_TWILIO__ACCOUNT_SID and GATEHOUSE_TWILIO__AUTH_TOKEN."
        )
    transport = TwilioTransport(twilio.api_base_url, pool_size=settings.worker_threads)
    return TwilioSms(twilio.account_sid, twilio.auth_token.get_secret_value(), transport)


def _sandbox(settings: Settings, database: Database) -> SmsProvider:
    from providers.sandbox.sms import SandboxSms  # noqa: PLC0415  # as above
    from providers.signals import RedisSignals  # noqa: PLC0415  # as above

    return SandboxSms(database, RedisSignals(settings.redis_url.get_secret_value()).phone_rang)


def _ses(settings: Settings) -> EmailProvider:
    from botocore.exceptions import NoRegionError  # noqa: PLC0415  # half a second that the sandbox does not pay

    from providers.ses.email import SesEmail  # noqa: PLC0415  # as above

    ses = settings.ses
    if ses.from_address is None:
        raise ProviderNotConfiguredError("To send through Amazon SES, set GATEHOUSE_SES__FROM_ADDRESS.")
    try:
        return SesEmail(ses.from_address, ses.configuration_set, pool_size=settings.worker_threads)
    except NoRegionError:
        raise ProviderNotConfiguredError("To send through Amazon SES, set AWS_REGION to its region.") from None


def _sandbox_email(settings: Settings, database: Database) -> EmailProvider:
    from providers.sandbox.email import SandboxEmail  # noqa: PLC0415  # as above

    return SandboxEmail(database, settings.ses.from_address)
