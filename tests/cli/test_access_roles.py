"""Roles on the command line, and role files that are checked before anything starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from migrations.seeds import apply
from migrations.seeds.demo import ORGANIZATION_ID

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

NIGHT_SHIFT = """
{
  "schema": 2, "role": "night_shift", "version": 1, "display_name": "Night shift",
  "about": "Answers at night", "inherits": "workspace_viewer",
  "permissions": {"conversations.reply": "client"}
}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a directory with a role of this installation's own."""
    path = tmp_path / "own"
    path.mkdir()
    (path / "night_shift.v1.json").write_text(NIGHT_SHIFT)
    return path


def test_roles_are_listed_and_shown_without_a_server(gatehouse: Run, own: Path) -> None:
    assert "workspace_viewer" in gatehouse("roles", "list").out
    settings = {"GATEHOUSE_ROLES_DIR": str(own)}
    rows = {row["role"]: row for row in json.loads(gatehouse("roles", "list", "--json", settings=settings).out)}
    assert rows["night_shift"]["inherits"] == "workspace_viewer, base"
    shown = gatehouse("roles", "show", "night_shift").out
    assert shown.startswith("Night shift (night_shift → workspace_viewer → base), version 1: Answers at night.")
    assert "conversations.reply" in shown
    document = json.loads(gatehouse("roles", "show", "night_shift", "--json").out)
    assert document["permissions"]["conversations.reply"] == "client"
    assert gatehouse("roles", "show", "nobody").err.startswith("There is no role 'nobody'. There are: center, ")


def test_roles_are_exported(gatehouse: Run) -> None:
    roles = {role["role"]: role for role in json.loads(gatehouse("roles", "export").out)}
    assert roles["super_admin"]["permissions"]["queues.view"] == "platform"
    assert gatehouse("roles", "export", "--markdown").out.startswith("| permission |  | Super admin | ")


def test_files_are_validated_before_they_are_used(gatehouse: Run, own: Path) -> None:
    ended = gatehouse("roles", "validate")
    assert ended.status == 0
    assert ended.out.endswith("permissions, all in order.\n")
    assert gatehouse("roles", "validate", str(own)).out.endswith(f"1 of the files is in {own}.\n")
    (own / "night_shift.v1.json").write_text(NIGHT_SHIFT.replace("conversations.reply", "conversations.repl"))
    ended = gatehouse("roles", "validate", str(own))
    assert ended.status == 1
    assert ended.err == (
        "The role files are not usable:\n"
        '  - night_shift.v1.json: permissions.conversations.repl: there is no permission "conversations.repl";'
        ' did you mean "conversations.reply"?\n'
    )
    assert gatehouse("roles", "validate", str(own / "missing")).status == 1


@pytest.mark.parametrize("role", ["api", "worker", "scheduler"])
def test_no_process_starts_with_role_files_that_are_wrong(
    gatehouse: Run, unreachable: Environment, own: Path, role: str
) -> None:
    (own / "night_shift.v1.json").write_text("{}")
    ended = gatehouse(role, settings=unreachable | {"GATEHOUSE_ROLES_DIR": str(own)})
    assert ended.status == 1
    assert 'night_shift.v1.json: schema: write "schema": 2' in ended.err


@pytest.fixture
def unreachable(tmp_path: Path) -> Environment:
    """Return settings that name no server: what is wrong is found before any is asked."""
    return {
        "GATEHOUSE_ENVIRONMENT": "test",
        "GATEHOUSE_DATA_DIR": str(tmp_path / "data"),
        "GATEHOUSE_DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "GATEHOUSE_PLATFORM_DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "GATEHOUSE_REDIS_URL": "redis://127.0.0.1:1/0",
        "GATEHOUSE_BROKER_URL": "redis://127.0.0.1:1/0",
        "GATEHOUSE_SECRET_KEY": "secret-key-for-tests-0123456789-0123456789",
    }


def test_the_doctor_finds_wrong_role_files(gatehouse: Run, unreachable: Environment, own: Path) -> None:
    settings = unreachable | {"GATEHOUSE_ROLES_DIR": str(own), "GATEHOUSE_PUBLIC_URL": "http://127.0.0.1:1"}
    found = {one["what"]: one for one in json.loads(gatehouse("doctor", "--json", settings=settings).out)}
    assert (found["roles"]["remedy"], "all in order" in found["roles"]["found"]) == ("", True)
    (own / "night_shift.v1.json").write_text("{}")
    found = {one["what"]: one for one in json.loads(gatehouse("doctor", "--json", settings=settings).out)}
    assert found["roles"] == {
        "what": "roles",
        "found": 'night_shift.v1.json: schema: write "schema": 2',
        "remedy": "gatehouse roles validate",
    }


@pytest.mark.integration
def test_a_role_is_shown_as_an_organization_has_it(
    gatehouse: Run, environment: Environment, database_urls: DatabaseUrls
) -> None:
    apply(database_urls.platform, "demo")
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        row = connection.execute("SELECT slug FROM organizations WHERE id = %s", [ORGANIZATION_ID]).fetchone()
        connection.execute(
            "INSERT INTO role_overrides (org_id, role, document) VALUES (%s, 'workspace_viewer', %s)",
            [ORGANIZATION_ID, json.dumps({"permissions": {"leads.view": None}, "colour": "red"})],
        )
    assert row is not None
    ended = gatehouse("roles", "show", "workspace_viewer", "--org", row[0], "--json", settings=environment)
    assert "leads.view" not in json.loads(ended.out)["permissions"]
    assert "The organization's change is wrong: colour: this is not known here" in ended.err
    assert gatehouse("roles", "show", "customer", "--org", row[0]).out == gatehouse("roles", "show", "customer").out
