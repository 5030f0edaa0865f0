"""A demonstration: what can't be undone is refused, and the demo tenant can be put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest

from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from migrations.seeds.test import ORGANIZATION_ID as THEIRS
from tests.support.tenant_rows import ROWS, TenantIds, insert

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
NOBODY = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def demo(environment: Environment) -> Environment:
    return environment | {"GATEHOUSE_DEMO_SAFE_MODE": "true"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["dead", "discard", "--all", "--reason", "a", "--yes"],
        ["queues", "pause", "inbound", "--reason", "a"],
        ["queues", "limit", "--max-running", "0"],
        ["jobs", "cancel", NOBODY],
        ["suppressions", "remove", NOBODY],
        ["knowledge", "remove", NOBODY, NOBODY, "--yes"],
        ["knowledge", "import", NOBODY, "no.yaml", "--replace"],
        ["organizations", "suspend", "harbor-services", "--reason", "a"],
        ["clients", "archive", NOBODY, "--reason", "a"],
        ["keys", "revoke", NOBODY, "--reason", "a"],
    ],
    ids=" ".join,
)
def test_what_can_not_be_undone_is_refused_kindly(gatehouse: Run, demo: Environment, arguments: list[str]) -> None:
    ended = gatehouse(*arguments, settings=demo)
    assert ended.status == 1
    assert ended.err.startswith("This is a demonstration, so what can't be undone is turned off.")


def test_looking_and_harmless_changes_work_on_a_demonstration(gatehouse: Run, demo: Environment) -> None:
    for arguments in (["dead", "list"], ["queues", "list"], ["flags", "set", "platform.ai_stopped", "true"]):
        assert gatehouse(*arguments, settings=demo).status == 0


def _count(connection: psycopg.Connection[Any], table: str, org_id: UUID) -> int:
    column = "id" if table == "organizations" else "org_id"
    query = f"SELECT count(*) FROM {table} WHERE {column} = %s"  # noqa: S608 - a table of ours
    row = connection.execute(query, [org_id]).fetchone()
    assert row is not None
    return int(row[0])


def test_the_demo_tenant_is_put_back_and_nobody_else_is_touched(
    gatehouse: Run, demo: Environment, database_urls: DatabaseUrls
) -> None:
    apply(database_urls.platform, "test")
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        fresh = {table: _count(connection, table, ORGANIZATION_ID) for table in ROWS}
        theirs = {table: _count(connection, table, THEIRS) for table in ROWS}
        ids = TenantIds.new()
        visitor = TenantIds(**{name: getattr(ids, name) for name in TenantIds.__slots__} | _of_the_demo())
        connection.execute("INSERT INTO users (id, email) VALUES (%s, 'a@example.com')", [ids.user])
        for table in ROWS:
            if table not in {"organizations", "clients", "client_settings", "admin_audit_logs"}:
                insert(connection, table, visitor)
        connection.execute(
            "UPDATE clients SET outbound_paused = true, name = 'Mine', sms_number = NULL WHERE id = %s", [CLIENT_ID]
        )
        connection.execute("UPDATE knowledge_entries SET body = 'Nonsense.' WHERE org_id = %s", [ORGANIZATION_ID])
        ended = gatehouse("demo", "reset", "--yes", "--reason", "A new day.", settings=demo)
        assert ended.out.startswith("The demo tenant is as it was seeded."), ended
        kept = {"guard_logs", "memberships", "api_keys", "role_overrides", "jobs", "job_attempts", "admin_audit_logs"}
        kept |= {"job_statistics", "activity_statistics"}  # Of what is kept.
        after = {table: _count(connection, table, ORGANIZATION_ID) for table in ROWS}
        assert {t: n for t, n in after.items() if t not in kept} == {t: n for t, n in fresh.items() if t not in kept}
        assert {table: _count(connection, table, THEIRS) for table in ROWS} == theirs
        assert connection.execute(
            "SELECT name, outbound_paused, onboarding_complete FROM clients WHERE id = %s", [CLIENT_ID]
        ).fetchone() == ("Harbor Plumbing", False, True)
        bodies = "SELECT count(*) FROM knowledge_entries WHERE body = 'Nonsense.'"
        assert connection.execute(bodies).fetchone() == (0,)
        states = "SELECT DISTINCT state FROM jobs WHERE org_id = %s"
        assert connection.execute(states, [ORGANIZATION_ID]).fetchall() == [("cancelled",)]
        acts = "SELECT action, reason FROM admin_audit_logs WHERE org_id = %s"
        assert connection.execute(acts, [ORGANIZATION_ID]).fetchall() == [("demo.reset", "A new day.")]


def _of_the_demo() -> dict[str, UUID]:
    return {"org": ORGANIZATION_ID, "client": CLIENT_ID}


def test_a_reset_without_a_demo_or_of_another_tenant_is_refused(
    gatehouse: Run, demo: Environment, database_urls: DatabaseUrls
) -> None:
    assert "gatehouse seed demo" in gatehouse("demo", "reset", "--yes", settings=demo).err
    apply(database_urls.platform, "demo")
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute("UPDATE organizations SET slug = 'real' WHERE id = %s", [ORGANIZATION_ID])
        ended = gatehouse("demo", "reset", "--yes")
        assert (ended.status, "is not the demo tenant" in ended.err) == (1, True)
        connection.execute("UPDATE organizations SET slug = 'harbor-services' WHERE id = %s", [ORGANIZATION_ID])
        connection.execute(
            "INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts)"
            " VALUES (gen_random_uuid(), %s, 'test.note', 'default', '{}', 'executing', 1)",
            [ORGANIZATION_ID],
        )
        assert "run just now" in gatehouse("demo", "reset", "--yes").err
