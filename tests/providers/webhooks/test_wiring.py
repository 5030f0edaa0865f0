"""Which caller the settings choose, and how strict it is."""

from __future__ import annotations

import pytest

from config.mistakes import contradictions
from config.settings import Settings
from providers.registry import build_sealer, build_webhooks
from tests.support.webhook_receiver import Receiver

KEY = "secret-key-for-tests-0123456789-0123456789"


def settings(**changes: object) -> Settings:
    given: dict[str, object] = {
        "environment": "test",
        "database_url": "postgresql://127.0.0.1:1/none",
        "platform_database_url": "postgresql://127.0.0.1:1/none",
        "broker_url": "redis://127.0.0.1:1/0",
        "redis_url": "redis://127.0.0.1:1/0",
        "secret_key": KEY,
    }
    return Settings.model_validate(given | changes)


def test_loopback_is_closed_until_it_is_opened_by_name() -> None:
    opened = settings(webhooks={"allowed_networks": "127.0.0.0/8, ::1/128"})
    with Receiver() as receiver:
        assert build_webhooks(settings()).call(receiver.url(), {}, b"").status is None
        assert build_webhooks(opened).call(receiver.url(), {}, b"").status == 204
        assert len(receiver.received) == 1


def test_in_demo_safe_mode_nobody_is_called() -> None:
    opened = settings(demo_safe_mode=True, webhooks={"allowed_networks": "127.0.0.0/8"})
    with Receiver() as receiver:
        answer = build_webhooks(opened).call(receiver.url(), {}, b"")
        assert (answer.status, answer.error) == (202, "Demo safe mode: nothing was called.")
        assert receiver.received == []
    assert build_webhooks(opened).objection("http://10.0.0.1/") is not None


def test_production_wants_https_and_opens_no_network() -> None:
    production = settings(environment="production", webhooks={"allowed_networks": "10.0.0.0/8"})
    assert build_webhooks(production).objection("http://hooks.example.com/") == "The URL must begin with https://."
    assert "webhooks.allowed_networks" in {found.field for found in contradictions(production)}
    assert "webhooks.allowed_networks" not in {found.field for found in contradictions(settings())}


@pytest.mark.parametrize("value", ["10.0.0.1/8", "everything", "10.0.0.0/8 192.168.0.0/16"])
def test_networks_that_cannot_be_read_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="CIDR form"):
        settings(webhooks={"allowed_networks": value})


def test_a_changed_secret_key_still_reads_what_the_one_before_sealed() -> None:
    sealed = build_sealer(settings()).seal("whsec_a")
    changed = settings(secret_key="another-key-" * 4, previous_secret_key=KEY)
    assert build_sealer(changed).unseal(sealed) == "whsec_a"
