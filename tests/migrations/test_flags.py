"""The flags of a release are written into their table by every migration, and what operators did stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from domain.flags.definitions import DEFINITIONS, TAKEOVER_MINUTES
from migrations.flags import RELEASE, synchronise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
KEY = TAKEOVER_MINUTES.key
FLAG = "SELECT kind, value_type, about, default_value, version FROM flags WHERE key = %s"
AS_DEFINED = ("setting", "integer", TAKEOVER_MINUTES.about, 60)


@pytest.fixture
def connection(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.superuser, autocommit=True) as opened:
        yield opened


def _revisions(connection: psycopg.Connection[Any]) -> list[tuple[int, str, Any]]:
    query = "SELECT version, actor, document->'default' FROM flag_revisions WHERE key = %s ORDER BY version"
    return connection.execute(query, [KEY]).fetchall()


def test_a_new_database_has_all_flags_with_their_first_versions(connection: psycopg.Connection[Any]) -> None:
    rows = connection.execute("SELECT key, default_value, version FROM flags ORDER BY key").fetchall()
    assert rows == sorted((one.key, one.default, 1) for one in DEFINITIONS.values())
    assert _revisions(connection) == [(1, RELEASE, 60)]


def test_it_may_be_done_again_and_changes_nothing(
    connection: psycopg.Connection[Any], database_urls: DatabaseUrls
) -> None:
    before = connection.execute("SELECT * FROM flags ORDER BY key").fetchall()
    synchronise(database_urls.owner)
    assert connection.execute("SELECT * FROM flags ORDER BY key").fetchall() == before


def test_a_default_that_nobody_changed_follows_the_code(
    connection: psycopg.Connection[Any], database_urls: DatabaseUrls
) -> None:
    connection.execute("UPDATE flags SET default_value = '45', about = 'As it was.' WHERE key = %s", [KEY])
    synchronise(database_urls.owner)
    assert connection.execute(FLAG, [KEY]).fetchone() == (*AS_DEFINED, 2)
    assert _revisions(connection) == [(1, RELEASE, 60), (2, RELEASE, 60)]


def test_what_an_operator_set_stays_and_only_the_words_follow(
    connection: psycopg.Connection[Any], database_urls: DatabaseUrls
) -> None:
    connection.execute("UPDATE flags SET default_value = '45', version = 2, about = 'Old.' WHERE key = %s", [KEY])
    connection.execute(
        "INSERT INTO flag_revisions (key, version, document, actor) VALUES (%s, 2, %s, 'ann')",
        [KEY, Jsonb({"default": 45, "about": "Old.", "archived": False, "targets": []})],
    )
    synchronise(database_urls.owner)
    assert connection.execute(FLAG, [KEY]).fetchone() == (*AS_DEFINED[:3], 45, 2)


def test_a_flag_of_another_type_begins_anew(connection: psycopg.Connection[Any], database_urls: DatabaseUrls) -> None:
    connection.execute("UPDATE flags SET value_type = 'string', default_value = '\"a\"' WHERE key = %s", [KEY])
    connection.execute("INSERT INTO flag_targets (key, position, percentage, value) VALUES (%s, 0, 5, '\"b\"')", [KEY])
    synchronise(database_urls.owner)
    assert connection.execute(FLAG, [KEY]).fetchone() == (*AS_DEFINED, 2)
    assert connection.execute("SELECT count(*) FROM flag_targets").fetchone() == (0,)
