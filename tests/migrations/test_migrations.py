"""Migrations go up, come down and go up again, alone or several at once."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import migrations
from migrations.apply import downgrade, head, upgrade
from tests.support.databases import DatabaseUrls
from tests.support.servers import ROOT

pytestmark = pytest.mark.integration

_CATALOGUE = """
    SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, a.attacl::text
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    UNION ALL
    SELECT 'table', relname, relrowsecurity::text, relforcerowsecurity::text, relispartition::text, relacl::text
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    UNION ALL SELECT 'index', tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'policy', tablename, policyname, roles::text, qual, with_check FROM pg_policies
    UNION ALL SELECT 'function', proname, prosrc, prosecdef::text, proconfig::text, proacl::text
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1, 2, 3
"""


def _catalogue(urls: DatabaseUrls) -> list[tuple[Any, ...]]:
    with psycopg.connect(urls.superuser) as connection:
        return connection.execute(_CATALOGUE).fetchall()


def _revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(migrations.__path__[0]))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]


def test_up_down_and_up_again_give_the_same_schema(empty_database_urls: DatabaseUrls) -> None:
    upgrade(empty_database_urls.owner)
    first = _catalogue(empty_database_urls)
    downgrade(empty_database_urls.owner, "base")
    left = [row for row in _catalogue(empty_database_urls) if row[1] != "alembic_version"]
    assert left == []
    upgrade(empty_database_urls.owner)
    assert _catalogue(empty_database_urls) == first


def test_each_step_can_be_taken_back_and_again(empty_database_urls: DatabaseUrls) -> None:
    revisions = _revisions()[::-1]
    assert revisions == sorted(revisions)
    for revision, before in zip(revisions, ["base", *revisions], strict=False):
        upgrade(empty_database_urls.owner, revision)
        after = _catalogue(empty_database_urls)
        downgrade(empty_database_urls.owner, before)
        upgrade(empty_database_urls.owner, revision)
        assert _catalogue(empty_database_urls) == after
    assert revisions[-1] == head()


def test_migrating_again_changes_nothing(database_urls: DatabaseUrls) -> None:
    before = _catalogue(database_urls)
    upgrade(database_urls.owner)
    assert _catalogue(database_urls) == before


def test_several_that_migrate_at_once_take_turns(empty_database_urls: DatabaseUrls) -> None:
    code = f"from migrations.apply import upgrade; upgrade({empty_database_urls.owner!r})"
    processes = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    with psycopg.connect(empty_database_urls.owner) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (head(),)
