"""API keys on the command line."""

from __future__ import annotations

import getpass
import json
import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from migrations.seeds import apply

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
CREATE = ("keys", "create", "--org", "harbor-services", "--name", "stock", "--role", "implementation_lead")


def shown(out: str) -> tuple[str, str]:
    found = re.match(r"Key (\S+), shown this once:\n(gh_\w+)\n", out)
    assert found is not None, out
    return found[1], found[2]


def test_a_key_is_made_rotated_listed_and_revoked(
    gatehouse: Run, environment: Environment, database_urls: DatabaseUrls
) -> None:
    apply(database_urls.platform, "demo")
    made = gatehouse(*CREATE, "--scope", "leads.view", "--days", "30", settings=environment)
    assert made.status == 0, made.err
    key_id, key = shown(made.out)
    rotated = gatehouse("keys", "rotate", key_id, "--overlap-hours", "1")
    new_id, new_key = shown(rotated.out)
    assert "The one before works until" in rotated.out
    ended = gatehouse("keys", "revoke", key_id, "--reason", "leaked")
    assert (ended.status, ended.out.startswith("Revoked: stock (gh_")) == (0, True)
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute(
            "INSERT INTO users (id, email, disabled_at) VALUES (gen_random_uuid(), 'ann@example.com', now())"
        )
        connection.execute(
            "UPDATE api_keys SET created_by = 'Ann', created_by_user = (SELECT id FROM users) WHERE id = %s", [new_id]
        )
    listed = json.loads(gatehouse("keys", "list", "--json").out)
    assert [row["made_by"] for row in listed] == [getpass.getuser(), "Ann, who has left"]
    assert [(row["id"], row["state"].split()[0], row["scopes"]) for row in listed] == [
        (key_id, "revoked", "leads.view"),
        (new_id, "works", "leads.view"),
    ]
    assert key[12:] not in str(listed)
    assert new_key[12:] not in str(listed)
    with psycopg.connect(database_urls.platform) as connection:
        acts = connection.execute("SELECT action FROM admin_audit_logs ORDER BY id").fetchall()
    assert acts == [("api_key.created",), ("api_key.rotated",), ("api_key.revoked",)]


def test_what_is_wrong_is_said(gatehouse: Run, environment: Environment, database_urls: DatabaseUrls) -> None:
    apply(database_urls.platform, "demo")
    failed = gatehouse(*CREATE[:-1], "emperor", settings=environment)
    assert failed.status == 1
    assert failed.err == "There is no role 'emperor' that allows anything.\n"
