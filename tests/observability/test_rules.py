"""Each alarm fires when it has to and is quiet when it must be, and leads to a page that says what to do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.promql import RULES, rules
from tests.support.servers import ROOT

DEPLOY: Final = ROOT / "deploy" / "prometheus"
TESTS: Final = sorted((DEPLOY / "tests").glob("*.test.yml"))
ALERTS: Final[list[dict[str, Any]]] = [rule for rule in rules() if "alert" in rule]


def _run(*command: str | Path) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=DEPLOY, timeout=120)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.prometheus
def test_the_configuration_and_its_rules_are_right(promtool: Path) -> None:
    status, said = _run(promtool, "check", "config", "--lint-fatal", DEPLOY / "prometheus.yml")
    assert status == 0, said


@pytest.mark.prometheus
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_alarms_fire_and_are_quiet(promtool: Path, path: Path) -> None:
    status, said = _run(promtool, "test", "rules", path)
    assert status == 0, said


def test_each_alarm_is_tried_both_ways() -> None:
    fires: set[str] = set()
    quiet: set[str] = set()
    for path in TESTS:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for asked in case["promql_expr_test"]:
                name = re.findall(r'alertname="(\w+)"', asked["expr"])[0]
                (fires if asked["exp_samples"] else quiet).add(name)
    names = {alert["alert"] for alert in ALERTS}
    assert (fires, quiet) == (names, names)


def test_each_file_of_rules_has_tests() -> None:
    tested = {path.name.removesuffix(".test.yml") for path in TESTS}
    assert tested == {path.stem for path in RULES.glob("*.yml")} - {"recording"}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alarm_says_what_it_means_and_leads_to_a_page(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert {"summary", "description", "runbook"} <= alert["annotations"].keys()
    page = ROOT / alert["annotations"]["runbook"]
    assert page.parent == ROOT / "docs" / "runbooks"
    words = page.read_text()
    if page.name != "README.md":
        assert "**What happened.**" in words
        assert "**What to do.**" in words
        assert alert["alert"] in (page.parent / "README.md").read_text(), "The index names the alarm."


def test_alarms_that_hold_others_back_exist() -> None:
    route = yaml.safe_load((DEPLOY / "alertmanager.yml").read_text())
    names = {alert["alert"] for alert in ALERTS}
    for rule in route["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            pattern = re.findall(r'alertname=~?"([^"]+)"', matcher)[0]
            assert all(any(re.fullmatch(part, name) for name in names) for part in pattern.split("|"))
    receivers = {receiver["name"] for receiver in route["receivers"]}
    assert {route["route"]["receiver"], *(one["receiver"] for one in route["route"]["routes"])} <= receivers
