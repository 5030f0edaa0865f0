"""The database chains entries as transactions commit: without gaps, deadlocks, or waiting for long acts."""

from __future__ import annotations

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from cli.local.binaries import installed
from domain.audit.record import Act, record
from domain.audit.verify import verify
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from tests.support.audit_lab import ACTOR, AuditLab, organization
from tests.support.databases import Databases

pytestmark = pytest.mark.integration
_WRITERS = 8
_INSERT = (
    "INSERT INTO admin_audit_logs (id, org_id, actor, role, action, target_type, target_id)"
    " VALUES (%s, %s, 'a', 'a', 'job.cancel', 'job', 'j')"
)


def test_many_who_write_at_once_make_one_chain(lab: AuditLab) -> None:
    org_id = organization(lab)
    ready = threading.Barrier(_WRITERS)

    def write(_: int) -> None:
        ready.wait()
        lab.acts(25, org_id)

    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(write, range(_WRITERS)))
    assert sorted(lab.sequences(org_id)) == list(range(1, 25 * _WRITERS + 1))
    assert lab.findings() == []


def test_a_long_act_holds_up_nobody_elses(lab: AuditLab) -> None:
    with lab.database.platform_scope() as session:
        record(session, ACTOR, Act("job.cancel", "job", "long"))
        lab.superuser.execute("SET lock_timeout = '2s'")
        lab.superuser.execute(_INSERT, [new_id(), PLATFORM_ORG_ID])
    assert lab.findings() == []
    assert lab.superuser.execute("SELECT target_id FROM admin_audit_logs ORDER BY sequence").fetchall() == [
        ("j",),
        ("long",),
    ]


def test_acts_on_two_organizations_in_any_order_do_not_deadlock(lab: AuditLab) -> None:
    orgs = [organization(lab), organization(lab)]
    both = threading.Barrier(2)

    def act(order: list[UUID]) -> None:
        for _ in range(25):
            with lab.database.platform_scope() as session:
                for org_id in order:
                    record(session, ACTOR, Act("job.cancel", "job", "j", org_id=org_id))
                both.wait(30)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(act, [orgs, orgs[::-1]]))
    assert [one.entries for one in lab.verified()] == [50, 50]
    assert lab.findings() == []


def test_what_was_taken_back_leaves_no_gap(lab: AuditLab) -> None:
    with lab.database.platform_scope() as session:
        record(session, ACTOR, Act("job.cancel", "job", "before"))
        with session.begin_nested() as tried:
            record(session, ACTOR, Act("job.cancel", "job", "taken back"))
            tried.rollback()
        record(session, ACTOR, Act("job.cancel", "job", "after"))
    assert lab.sequences(PLATFORM_ORG_ID) == [1, 2]
    assert lab.findings() == []


@pytest.mark.parametrize(
    "forged", ["sequence = 7", "hash = sha256('a')", "previous_hash = sha256('a')", "created_at = '2020-01-01'"]
)
@pytest.mark.parametrize("role", ["app", "platform"])
def test_number_hash_and_time_are_the_databases_own(lab: AuditLab, role: str, forged: str) -> None:
    column, value = forged.split(" = ")
    url = lab.urls.app if role == "app" else lab.urls.platform
    statement = _INSERT.replace("(id,", f"({column}, id,").replace("VALUES (", f"VALUES ({value}, ")
    with psycopg.connect(url) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("SELECT set_config('gatehouse.org_id', %s, true)", [str(PLATFORM_ORG_ID)])
        connection.execute(statement.encode(), [new_id(), PLATFORM_ORG_ID])


@pytest.mark.parametrize(
    "attempt",
    [
        "ALTER TABLE admin_audit_logs DISABLE TRIGGER chain",
        "SET session_replication_role = replica",
        "UPDATE audit_heads SET sequence = 0",
        "DELETE FROM audit_heads",
        "DROP TRIGGER chain ON admin_audit_logs",
        "TRUNCATE admin_audit_logs",
        "CREATE TEMP TABLE mine (org_id uuid, id uuid, sequence bigint);"
        "CREATE TRIGGER chain AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION chain_audit_entries()",
    ],
)
@pytest.mark.parametrize("role", ["app", "platform"])
def test_no_role_of_a_process_gets_past_the_chain(lab: AuditLab, role: str, attempt: str) -> None:
    url = lab.urls.app if role == "app" else lab.urls.platform
    with psycopg.connect(url) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(attempt.encode())


def test_a_temporary_table_does_not_stand_in_for_the_heads(lab: AuditLab) -> None:
    with psycopg.connect(lab.urls.app) as connection:
        connection.execute("SELECT set_config('gatehouse.org_id', %s, true)", [str(PLATFORM_ORG_ID)])
        for table in ("audit_heads", "admin_audit_logs"):
            connection.execute(f"CREATE TEMP TABLE {table} (LIKE public.admin_audit_logs)".encode())
            connection.execute(f"GRANT ALL ON {table} TO PUBLIC".encode())
        connection.execute(_INSERT.replace("INTO ", "INTO public.").encode(), [new_id(), PLATFORM_ORG_ID])
    assert lab.findings() == []
    assert lab.sequences(PLATFORM_ORG_ID) == [1]


def test_constraints_that_are_checked_at_once_make_the_same_chain(lab: AuditLab) -> None:
    with psycopg.connect(lab.urls.platform) as connection:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for _ in range(3):
            connection.execute(_INSERT, [new_id(), PLATFORM_ORG_ID])
    assert lab.sequences(PLATFORM_ORG_ID) == [1, 2, 3]
    assert lab.findings() == []


def test_an_entry_has_the_same_hash_in_every_session(lab: AuditLab) -> None:
    lab.act()
    for setting in (
        "timezone = 'Asia/Kathmandu'",
        "datestyle = 'German, DMY'",
        "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'",
        "extra_float_digits = 0",
        "lc_time = 'C'",
        "search_path = pg_temp",
    ):
        lab.tamper(f"SET {setting}")
        rows = lab.superuser.execute(
            "SELECT hash = public.audit_hash(previous_hash, entry) FROM public.admin_audit_logs entry"
        ).fetchall()
        assert rows == [(True,)], setting


def test_the_text_that_is_hashed_never_changes(lab: AuditLab) -> None:
    # This hash stands in chains that exist: another one here would call all of them changed.
    row = lab.superuser.execute(
        "SELECT encode(audit_hash(sha256('before'), jsonb_populate_record(NULL::admin_audit_logs, %s::jsonb)), 'hex')",
        [
            '{"sequence": 7, "id": "01930000-0000-7000-8000-000000000001", "action": "job.cancel", "actor": "Zoë",'
            ' "org_id": "01930000-0000-7000-8000-000000000002", "role": "operator", "target_type": "job",'
            ' "target_id": "j1", "after": {"b": 1.50, "a": ["x", null]}, "reason": "a \\"test\\"", "ip": "192.0.2.7",'
            ' "created_at": "2026-01-02T03:04:05.678901+05:45"}'
        ],
    ).fetchone()
    assert row == ("79f6f7cf14a3c8eb5392af7e1b4db175342fd493d71351514b319e3ad1a76c5a",)


@pytest.mark.parametrize("column", ["reason", "ip", "before", "created_at"])
def test_the_schema_cannot_change_what_is_hashed_by_accident(lab: AuditLab, column: str) -> None:
    for change in (f"DROP COLUMN {column}", f"ALTER COLUMN {column} TYPE text USING {column}::text || ''"):
        if column == "reason" and "TYPE" in change:
            continue
        with pytest.raises((psycopg.errors.DependentObjectsStillExist, psycopg.errors.FeatureNotSupported)):
            lab.tamper(f"ALTER TABLE admin_audit_logs {change}")


def test_a_restored_dump_is_as_whole_as_the_original(lab: AuditLab, databases: Databases) -> None:
    org_id = organization(lab)
    lab.acts(3, org_id)
    lab.acts(2)
    binaries = installed()
    dump = subprocess.run([binaries.postgres("pg_dump"), lab.urls.superuser], capture_output=True, check=True).stdout
    # A newer pg_dump sets what an older server does not know.
    dump = dump.replace(b"SET transaction_timeout = 0;\n", b"")
    with databases.empty() as urls:
        restore = [binaries.postgres("psql"), "--quiet", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", urls.superuser]
        subprocess.run(restore, input=dump, capture_output=True, check=True)
        restored = Database(urls.app, urls.platform, pool_size=1)
        with restored.platform_scope() as session:
            record(session, ACTOR, Act("job.cancel", "job", "since then", org_id=org_id))
        verified = list(verify(restored.platform_scope))
        restored.close()
    assert [(one.entries, one.found) for one in verified] == [(2, 0), (4, 0)]
