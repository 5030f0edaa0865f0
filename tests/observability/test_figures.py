"""Every metric that an alarm or a panel asks for exists once a house runs, and no rule fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.local.ports import free_port
from migrations.seeds import apply
from tests.support.databases import DatabaseUrls
from tests.support.eventually import eventually
from tests.support.prometheus import Prometheus, running_prometheus
from tests.support.promql import metrics_of, panels, rules
from tests.support.running_house import ADMIN_TOKEN, ROLES, RunningHouse
from tests.support.twilio_webhook import sms_form

pytestmark = [pytest.mark.integration, pytest.mark.scenario, pytest.mark.prometheus]

ITS_OWN = {"ALERTS", "up"}
"""What Prometheus makes itself."""


@pytest.fixture
def house(database_urls: DatabaseUrls, redis_url: str, broker_url: str, tmp_path: Path) -> Iterator[RunningHouse]:
    apply(database_urls.platform, "demo")
    house = RunningHouse(database_urls, redis_url, broker_url, tmp_path, GATEHOUSE_WORKER_PROCESSES="1")
    house.metrics_ports = {role: free_port() for role in ROLES}
    with house:
        yield house


@pytest.fixture
def watched(house: RunningHouse, prometheus: Path, tmp_path: Path) -> Iterator[Prometheus]:
    with running_prometheus(prometheus, house.metrics_ports, tmp_path) as running:
        yield running


def _be_used(house: RunningHouse) -> None:
    """Do what a house is there for: a text comes, an operator looks, somebody is turned away."""
    with httpx.Client(base_url=house.url, timeout=20) as client:
        assert house.post(client, sms_form()).status_code == 200
        assert client.get("/api/v1/users").status_code == 401
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        assert client.get("/api/health/internal", headers=headers).status_code == 200


def _asked_for() -> set[str]:
    asked = {name for rule in rules() for name in metrics_of(rule["expr"])}
    return asked | {name for _, panel in panels() for target in panel["targets"] for name in metrics_of(target["expr"])}


def test_every_metric_that_a_rule_or_a_panel_names_exists(house: RunningHouse, watched: Prometheus) -> None:
    eventually(lambda: watched.up() == set(ROLES), within=20, what="A scrape of each role")
    asked = _asked_for() - ITS_OWN
    assert len(asked) > 40
    unseen = asked

    def all_seen() -> bool:
        nonlocal unseen
        _be_used(house)  # More than once: a rate needs a rise.
        unseen = asked - watched.names()
        return not unseen

    try:
        eventually(all_seen, within=60)
    except AssertionError:
        assert unseen == set()
    eventually(lambda: {rule["health"] for rule in watched.rules()} == {"ok"}, within=20, what="All rules evaluated")
    assert {rule.get("lastError", "") for rule in watched.rules()} == {""}
    firing = [rule["name"] for rule in watched.rules() if rule.get("state") == "firing"]
    assert firing == [], "A house that has just started needs nobody."


def test_what_is_asked_for_is_read_out_of_an_expression() -> None:
    expression = (
        'histogram_quantile(0.95, sum by (le, route) (rate(gatehouse_a_bucket{route=~"x|y", status!="5.."}[5m])))'
        " > 2 * max(gatehouse:b:max offset 5m) and on (queue) up unless absent(c)"
    )
    assert metrics_of(expression) == {"gatehouse_a_bucket", "gatehouse:b:max", "up", "c"}
