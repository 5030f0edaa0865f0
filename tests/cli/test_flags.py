"""Flags, kill switches and settings on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
SWITCH = "platform.outbound_stopped"
MINUTES = "conversations.takeover_minutes"


def test_a_switch_is_thrown_seen_and_put_back(gatehouse: Run, environment: Environment) -> None:
    assert gatehouse("flags", "set", SWITCH, "true", "--reason", "Down.", settings=environment).out == (
        f"{SWITCH} is at version 2.\n"
    )
    assert gatehouse("flags", "set", SWITCH, "on").out == f"{SWITCH} was so already.\n"
    rows = json.loads(gatehouse("flags", "list", "--kind", "kill_switch", "--json").out)
    assert {row["key"]: row["value"] for row in rows} == {SWITCH: "true", "platform.ai_stopped": "false"}
    shown = gatehouse("flags", "show", SWITCH)
    assert "Read by the gate" in shown.out
    assert "Down." in shown.out
    assert "version 3" in gatehouse("flags", "revert", SWITCH, "1").out
    assert gatehouse("flags", "evaluate", SWITCH).out.startswith("false\n")


def test_somebody_gets_another_value(gatehouse: Run, environment: Environment, database_urls: DatabaseUrls) -> None:
    apply(database_urls.platform, "demo")
    client, org = str(CLIENT_ID), str(ORGANIZATION_ID)
    for value in ("15", "20"):
        assert gatehouse("flags", "target", MINUTES, value, "--client", client, settings=environment).status == 0
    assert gatehouse("flags", "target", MINUTES, "40", "--org", "harbor-services", "--percentage", "100").status == 0
    assert gatehouse("flags", "target", MINUTES, "30", "--org", org, "--percentage", "100").status == 0
    assert gatehouse("flags", "evaluate", MINUTES, "--client", client).out == "20\nTarget 0 fits.\n"
    for named in (org, "harbor-services"):
        assert gatehouse("flags", "evaluate", MINUTES, "--org", named).out.startswith("30\n")
    assert "no such organization" in gatehouse("flags", "evaluate", MINUTES, "--org", "harbour").err.lower()
    assert gatehouse("flags", "untarget", MINUTES, "0").status == 0
    assert gatehouse("flags", "evaluate", MINUTES, "--client", client).out.startswith("30\n")
    assert "counted from 0" in gatehouse("flags", "untarget", MINUTES, "5").err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["set", SWITCH, "maybe"], "true or false"),
        (["set", MINUTES, "long"], "a number"),
        (["set", MINUTES, "0"], "between 1 and 10080"),
        (["set", SWITCH, "true", "--version", "7"], "at version 1, not 7"),
        (["set", "no.such", "1"], "no flag no.such"),
        (["archive", SWITCH], "read by the gate"),
        (["revert", SWITCH, "9"], "never had a version 9"),
        (["create", "Own", "true", "--about", "Ours."], "lower case"),
        (["target", SWITCH, "true"], "neither a tenant"),
    ],
)
def test_what_can_not_be_is_told_in_a_line(
    gatehouse: Run, environment: Environment, arguments: list[str], words: str
) -> None:
    ended = gatehouse("flags", *arguments, settings=environment)
    assert (ended.status, words in ended.err, ended.err.count("\n")) == (1, True, 1)


def test_operators_have_flags_of_their_own(gatehouse: Run, environment: Environment) -> None:
    made = ["flags", "create", "own.texts", '{"a": 1}', "--type", "object", "--about", "Ours."]
    assert gatehouse(*made, settings=environment).status == 0
    assert gatehouse("flags", "evaluate", "own.texts").out.startswith('{"a": 1}\n')
    assert gatehouse("flags", "archive", "own.texts").status == 0
    assert "own.texts" not in gatehouse("flags", "list").out
    assert "archived" in gatehouse("flags", "list", "--archived").out
