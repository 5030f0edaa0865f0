"""Webhook endpoints on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from domain.kernel.ids import new_id
from migrations.seeds.demo import ORGANIZATION_ID
from tests.support.webhook_house import House, webhook_house
from tests.support.webhook_receiver import Receiver

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
SLUG = "harbor-services"


@pytest.fixture
def house(database_urls: DatabaseUrls) -> Iterator[House]:
    with webhook_house(database_urls) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started


@pytest.fixture
def webhooks(environment: Environment, house: House) -> Environment:
    """Return settings under which loopback may be called."""
    assert house.endpoints() == []
    return {**environment, "GATEHOUSE_WEBHOOKS__ALLOWED_NETWORKS": "127.0.0.0/8"}


def create(gatehouse: Run, settings: Environment, url: str) -> tuple[str, str]:
    ended = gatehouse(*("webhooks", "create", "--org", SLUG, "--url", url, "--event", "*"), settings=settings)
    assert ended.status == 0, ended.err
    found = re.fullmatch(r"Endpoint (\S+)\. Its secret, shown this once: (whsec_\S+)\n", ended.out)
    assert found is not None
    return found[1], found[2]


def test_an_endpoint_is_created_tested_and_listed_without_its_token(
    gatehouse: Run, webhooks: Environment, receiver: Receiver
) -> None:
    endpoint_id, secret = create(gatehouse, webhooks, receiver.url(path="/in?token=abc"))
    receiver.will(500)
    failed = gatehouse("webhooks", "test", endpoint_id)
    assert (failed.status, failed.err.endswith("The receiver answered 500.\n")) == (1, True)
    passed = gatehouse("webhooks", "test", endpoint_id)
    assert passed.status == 0
    assert "the receiver answered 204." in passed.out
    receiver.received[1].verified(secret)
    shown = gatehouse("webhooks", "list").out
    assert endpoint_id in shown
    assert f"127.0.0.1:{receiver.port}" in shown
    assert "token" not in shown
    assert secret not in gatehouse("webhooks", "list", "--json").out
    assert endpoint_id in gatehouse("webhooks", "list", "--org", SLUG).out
    assert gatehouse("webhooks", "list", "--org", str(new_id())).out == "There is no webhook endpoint.\n"


def test_a_secret_is_rotated(gatehouse: Run, webhooks: Environment, receiver: Receiver) -> None:
    endpoint_id, secret = create(gatehouse, webhooks, receiver.url())
    ended = gatehouse("webhooks", "rotate", endpoint_id)
    assert "whsec_" in ended.out
    assert secret not in ended.out
    gatehouse("webhooks", "test", endpoint_id)
    receiver.received[0].verified(secret)


def test_what_an_endpoint_missed_is_seen_and_replayed(
    gatehouse: Run, webhooks: Environment, house: House, receiver: Receiver
) -> None:
    endpoint_id, _ = create(gatehouse, webhooks, receiver.url())
    house.emit()
    assert gatehouse("webhooks", "disable", endpoint_id, "--reason", "Moved.").out == (
        "Disabled. 1 waiting events were cancelled.\n"
    )
    assert "disabled: Moved." in gatehouse("webhooks", "list").out
    (send,) = json.loads(gatehouse("webhooks", "sends", endpoint_id, "--state", "cancelled", "--json").out)
    refused = gatehouse("webhooks", "replay", send["id"])
    assert (refused.status, "Enable it first" in refused.err) == (1, True)
    house.connection.execute("UPDATE webhook_endpoints SET failing_since = now() - interval '1 hour'")
    enabled = gatehouse("webhooks", "enable", endpoint_id).out
    # What it says is what has to be typed.
    command = enabled.partition("gatehouse ")[2].split()
    assert command[:3] == ["webhooks", "replay", "--endpoint"]
    assert gatehouse(*command[:-1], "2099-01-01").out.startswith("1 events will be sent, by")
    assert gatehouse("webhooks", "replay", send["id"]).out.endswith("is on its way.\n")
    assert "pending" in gatehouse("webhooks", "sends", endpoint_id).out
    assert gatehouse("webhooks", "replay").err.startswith("Say which: ")
    acts = house.rows("SELECT action, role FROM admin_audit_logs ORDER BY id")
    verbs = ["endpoint.create", "endpoint.disable", "endpoint.enable", "endpoint.replay", "send.replay"]
    assert [act["action"] for act in acts] == [f"webhook_{verb}" for verb in verbs]
    assert {act["role"] for act in acts} == {"operator"}


def test_what_is_not_fit_is_refused_in_words(gatehouse: Run, webhooks: Environment) -> None:
    ended = gatehouse(
        *("webhooks", "create", "--org", str(ORGANIZATION_ID), "--url", "http://10.0.0.1", "--event", "*"),
        settings=webhooks,
    )
    hint = "For development, GATEHOUSE_WEBHOOKS__ALLOWED_NETWORKS opens networks."
    assert (ended.status, ended.err) == (1, f"That address is never called: a private network. {hint}\n")
    missing = new_id()
    assert gatehouse("webhooks", "test", str(missing)).err == f"There is no webhook endpoint {missing}.\n"
