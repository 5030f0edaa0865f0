"""Which provider the settings choose, and that its calls are counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from config.settings import Settings, Twilio
from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.ports import OutgoingSms
from domain.kernel.database import Database
from providers.registry import ProviderNotConfiguredError, build_composer, build_email, build_sms, providers_in_use
from tests.support.aws import name_account
from tests.support.twilio_api import AcceptThenDrop, Reject
from tests.support.twilio_double import TwilioDouble

NOWHERE = "postgresql://127.0.0.1:1/none"


def settings(**changes: object) -> Settings:
    given: dict[str, object] = {
        "database_url": NOWHERE,
        "platform_database_url": NOWHERE,
        "broker_url": "redis://127.0.0.1:1/0",
        "redis_url": "redis://127.0.0.1:1/0",
        "secret_key": "secret-key-for-tests-0123456789-0123456789",
    }
    return Settings.model_validate(given | changes)


@pytest.fixture
def database() -> Iterator[Database]:
    with closing(Database(NOWHERE, NOWHERE)) as database:
        yield database


def test_the_sandbox_is_the_default(database: Database) -> None:
    assert build_sms(settings(), database).name == "sandbox"
    assert build_email(settings(), database).name == "sandbox"


def test_demo_safe_mode_reaches_nobody(database: Database) -> None:
    assert build_sms(settings(sms_provider="twilio", demo_safe_mode=True), database).name == "sandbox"
    assert build_email(settings(email_provider="ses", demo_safe_mode=True), database).name == "sandbox"


@pytest.mark.parametrize("demo_safe_mode", [False, True])
def test_the_providers_in_use_are_those_that_are_built(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    demo_safe_mode: bool,  # noqa: FBT001
) -> None:
    name_account(monkeypatch)
    chosen = settings(
        sms_provider="twilio",
        twilio=Twilio(account_sid=f"AC{'0' * 32}", auth_token=SecretStr("token-for-tests")),
        email_provider="ses",
        ses={"from_address": "hello@example.com"},
        demo_safe_mode=demo_safe_mode,
    )
    built = {build_sms(chosen, database).name, build_email(chosen, database).name}
    assert providers_in_use(chosen) == built
    assert providers_in_use(settings()) == {"sandbox"}


def test_replies_come_from_the_knowledge_base_alone_unless_a_model_is_named() -> None:
    assert build_composer(settings()).name == "extractive"
    with pytest.raises(ProviderNotConfiguredError, match="GATEHOUSE_AI__PROVIDER"):
        build_composer(settings(ai={"provider": "bedrock"}))


def test_twilio_needs_its_credentials(database: Database) -> None:
    with pytest.raises(ProviderNotConfiguredError, match="GATEHOUSE_TWILIO__AUTH_TOKEN"):
        build_sms(settings(sms_provider="twilio"), database)


def test_ses_needs_an_address_to_send_from_and_a_region(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProviderNotConfiguredError, match="GATEHOUSE_SES__FROM_ADDRESS"):
        build_email(settings(email_provider="ses"), database)

    ses = settings(email_provider="ses", ses={"from_address": "alerts@gatehouse.test"})
    name_account(monkeypatch)
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(ProviderNotConfiguredError, match="AWS_REGION"):
        build_email(ses, database)

    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    chosen = build_email(ses, database)
    assert (chosen.name, chosen.account) == ("ses", "eu-west-1")


def test_twilio_is_called_at_the_address_in_the_settings_and_counted(database: Database) -> None:
    with TwilioDouble() as twilio:
        account = Twilio(
            account_sid=twilio.account_sid, auth_token=SecretStr(twilio.auth_token), api_base_url=twilio.url
        )
        sms = build_sms(settings(sms_provider="twilio", twilio=account), database)
        before = {outcome: calls(outcome) for outcome in ("accepted", "rejected", "unknown")}
        text = OutgoingSms(uuid4(), uuid4(), uuid4(), "+15005550001", "Hello", "+15005550006", None, None)

        sms.send(text)
        twilio.will(Reject(21211, 400), AcceptThenDrop())
        with pytest.raises(ProviderRejectedError):
            sms.send(text)
        with pytest.raises(OutcomeUnknownError):
            sms.send(text)

    assert {outcome: calls(outcome) - number for outcome, number in before.items()} == dict.fromkeys(before, 1.0)


def calls(outcome: str) -> float:
    labels = {"provider": "twilio", "operation": "send", "outcome": outcome}
    return REGISTRY.get_sample_value("gatehouse_provider_calls_total", labels) or 0.0
