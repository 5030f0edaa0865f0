"""The command as a whole: quick help, mistakes in words, the schema and its seeds."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from domain.kernel.schema import SCHEMA_REVISION

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

ROOT = Path(__file__).parents[2]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, cli.main\n"
        "heavy = {'sqlalchemy', 'psycopg', 'fastapi', 'pydantic', 'redis', 'rich', 'twilio', 'uvicorn', 'structlog'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [["worker"], ["scheduler"], ["api"], ["migrate"], ["seed"], ["jobs", "run", "queue-upkeep"], ["dead", "list"]],
)
def test_missing_settings_are_told_in_words(gatehouse: Run, arguments: list[str]) -> None:
    ended = gatehouse(*arguments)
    assert ended.status == 1
    assert "DATABASE_URL is not set." in ended.err
    assert "There is no .gatehouse/settings.env and no .env here." in ended.err
    assert "set GATEHOUSE_DATA_DIR" in ended.err
    assert "Traceback" not in ended.err


def test_settings_that_are_only_not_all_there_are_not_looked_for_elsewhere(gatehouse: Run) -> None:
    urls = {f"GATEHOUSE_{name}DATABASE_URL": "postgresql://u@127.0.0.1:1/none" for name in ("", "PLATFORM_")}
    ended = gatehouse("dead", "list", settings=urls)
    assert "GATEHOUSE_REDIS_URL is not set." in ended.err
    assert "GATEHOUSE_DATA_DIR" not in ended.err


ID = "01980000-0000-7000-8000-0000000000ff"


@pytest.mark.parametrize(
    "arguments",
    [
        ["organizations", "suspend", "acme"],
        ["organizations", "restore", "acme"],
        ["clients", "pause", ID, "outbound"],
        ["clients", "resume", ID, "outbound"],
        ["clients", "archive", ID],
        ["deliveries", "resolve", ID, "--give-up"],
        ["deliveries", "clear-sender", ID],
        ["keys", "revoke", ID],
        ["webhooks", "disable", ID],
        ["users", "disable", "ada@example.com"],
        ["users", "disable", "ada@example.com", "--reason", " "],
        ["queues", "pause", "inbound"],
        ["queues", "drain", "inbound"],
        ["dead", "edit", ID, "--args", "{}"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_command_that_takes_a_reason_says_so_where_nobody_can_be_asked(gatehouse: Run, arguments: list[str]) -> None:
    ended = gatehouse(*arguments)
    assert (ended.status, ended.out, ended.err) == (2, "", "Give --reason.\n")


def test_what_else_is_asked_is_an_option_where_nobody_can_be_asked(gatehouse: Run) -> None:
    assert (ended := gatehouse("flags", "create", "own.thing", "true")).status == 2
    assert ended.err == "Give --about.\n"
    assert (ended := gatehouse("demo", "reset")).status == 2
    assert ended.err == "Give --yes.\n"


def test_a_person_at_a_terminal_is_asked_for_the_reason(tmp_path: Path) -> None:
    code = f"from cli.main import app; app(['keys', 'revoke', '{ID}'])"
    here, there = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=there,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        text=True,
    ) as process:
        os.close(there)
        os.write(here, b"leaked\n")
        out, err = process.communicate(timeout=30)
    os.close(here)
    assert "Why?" in out
    assert "GATEHOUSE_DATABASE_URL is not set." in err


def test_an_unknown_command_is_a_usage_error(gatehouse: Run) -> None:
    assert gatehouse("wroker").status == 2


def test_a_server_that_is_down_is_told_in_a_line(gatehouse: Run) -> None:
    url = "postgresql://gatehouse_platform:hunter2@127.0.0.1:1/none"
    ended = gatehouse("seed", settings={"GATEHOUSE_PLATFORM_DATABASE_URL": url})
    assert ended.status == 1
    assert ended.err.startswith("PostgreSQL: connection failed")
    assert ended.err.count("\n") == 1
    assert "hunter2" not in ended.err


@pytest.mark.integration
def test_migrate_and_seed_make_a_database_ready(gatehouse: Run, empty_database_urls: DatabaseUrls) -> None:
    urls = {
        "GATEHOUSE_OWNER_DATABASE_URL": empty_database_urls.owner,
        "GATEHOUSE_PLATFORM_DATABASE_URL": empty_database_urls.platform,
    }
    assert gatehouse("migrate", settings=urls).out == f"The schema is at {SCHEMA_REVISION}.\n"
    for _ in range(2):
        assert gatehouse("seed", "demo").out == "The demo tenant is there.\n"
    with psycopg.connect(empty_database_urls.superuser) as connection:
        assert connection.execute("SELECT count(*) FROM clients").fetchone() == (1,)


@pytest.mark.integration
@pytest.mark.parametrize("role", ["api", "worker", "scheduler"])
def test_roles_refuse_an_older_schema(environment: Environment, database_urls: DatabaseUrls, role: str) -> None:
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    code = f"from cli.main import app; app(['{role}'])"
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.returncode == 1
    assert f"The schema is at 0001, this release needs {SCHEMA_REVISION}. Run: gatehouse migrate" in done.stderr
