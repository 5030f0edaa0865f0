"""The life of an API key: made, used, rotated with an overlap, revoked, recorded; the key itself is kept nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from config.places import CONFIG
from domain.access.api_keys import (
    KeyEndedError,
    KeyNotFoundError,
    Making,
    NewKey,
    UnfitKeyError,
    create_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from domain.access.delegation import ReachesTooFarError
from domain.access.key_text import digest, new_key
from domain.access.key_use import identify
from domain.access.principal import Grant, Principal
from domain.access.roles.book import read_roles
from domain.audit.record import Actor
from domain.kernel.database import Database
from domain.kernel.errors import NotFoundError
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
BOOK: Final = read_roles(CONFIG)
NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACTOR: Final = Actor("somebody", "operator")
LEAD: Final = NewKey(ORGANIZATION_ID, "stock system", "implementation_lead")


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    apply(database_urls.platform, "demo")
    with closing(Database(database_urls.app, database_urls.platform, pool_size=2)) as opened:
        yield opened


@pytest.fixture
def rows(database_urls: DatabaseUrls, database: Database) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """Look at the rows, once the tenant is there."""
    del database
    with psycopg.connect(database_urls.platform, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def at(now: datetime = NOW, giver: Principal | None = None) -> Making:
    return Making(ACTOR, BOOK, now, giver)


def create(database: Database, new: NewKey = LEAD, making: Making | None = None) -> tuple[UUID, str]:
    with database.platform_scope() as session:
        key, text = create_key(session, new, making or at())
        return key.id, text


def rotate(database: Database, key_id: UUID, overlap: timedelta, now: datetime = NOW) -> tuple[UUID, str]:
    with database.platform_scope() as session:
        key, text, _ = rotate_key(session, key_id, at(now), overlap=overlap)
        return key.id, text


def revoke(database: Database, key_id: UUID) -> None:
    with database.platform_scope() as session:
        revoke_key(session, key_id, "it leaked", ACTOR, NOW)


def test_a_key_stands_for_its_role_its_organization_and_no_more_than_its_scopes(database: Database) -> None:
    key_id, text = create(database, replace(LEAD, client_id=CLIENT_ID, scopes=["leads.view", "clients.view"]))
    principal = identify(database, text, NOW)
    assert principal is not None
    assert (principal.kind, principal.id, principal.org_id) == ("api_key", key_id, ORGANIZATION_ID)
    assert principal.grants == (Grant("implementation_lead", ORGANIZATION_ID, CLIENT_ID),)
    assert principal.permissions == frozenset({"leads.view", "clients.view"})


def test_the_key_itself_is_nowhere_in_the_database(
    database: Database, rows: psycopg.Connection[dict[str, Any]]
) -> None:
    key_id, text = create(database)
    _, rotated = rotate(database, key_id, timedelta(hours=1))
    stored = rows.execute("SELECT to_jsonb(k) AS row FROM api_keys k").fetchall()
    audit = rows.execute("SELECT to_jsonb(a) AS row FROM admin_audit_logs a").fetchall()
    for key in (text, rotated):
        assert key[12:] not in str(stored + audit)
    kept = rows.execute("SELECT secret_hash FROM api_keys WHERE id = %s", [key_id]).fetchone()
    assert kept == {"secret_hash": digest(text)}


def test_what_was_done_to_keys_is_recorded(database: Database, rows: psycopg.Connection[dict[str, Any]]) -> None:
    key_id, _ = create(database)
    rotated_id, _ = rotate(database, key_id, timedelta(hours=1))
    revoke(database, rotated_id)
    revoke(database, rotated_id)
    acts = rows.execute("SELECT action, org_id, target_id, reason, after FROM admin_audit_logs ORDER BY id").fetchall()
    assert [(act["action"], act["target_id"]) for act in acts] == [
        ("api_key.created", str(key_id)),
        ("api_key.rotated", str(rotated_id)),
        ("api_key.revoked", str(rotated_id)),
    ]
    assert {act["org_id"] for act in acts} == {ORGANIZATION_ID}
    assert acts[1]["after"]["works_until"] == (NOW + timedelta(hours=1)).isoformat()
    assert acts[2]["reason"] == "it leaked"


def test_an_unknown_wrong_expired_or_revoked_key_is_nobodys(database: Database) -> None:
    _, good = create(database)
    _, short = create(database, replace(LEAD, expires_at=NOW + timedelta(hours=1)))
    revoked_id, revoked = create(database)
    revoke(database, revoked_id)
    assert identify(database, good, NOW) is not None
    assert identify(database, short, NOW + timedelta(minutes=59)) is not None
    assert identify(database, short, NOW + timedelta(hours=1)) is None
    assert identify(database, revoked, NOW) is None
    assert identify(database, new_key()[1], NOW) is None


def test_the_right_prefix_with_another_secret_is_nobodys(
    database: Database, rows: psycopg.Connection[dict[str, Any]]
) -> None:
    key_id, _ = create(database)
    prefix, forged = new_key()
    rows.execute("UPDATE api_keys SET prefix = %s WHERE id = %s", [prefix, key_id])
    assert identify(database, forged, NOW) is None


def test_a_rotated_key_works_on_until_the_stated_time_and_the_new_one_as_well(database: Database) -> None:
    key_id, old = create(database)
    new_one_id, new_one = rotate(database, key_id, timedelta(days=30))
    before, after = NOW + timedelta(days=30, seconds=-1), NOW + timedelta(days=30)
    assert identify(database, old, before) is not None
    assert identify(database, old, after) is None
    found = identify(database, new_one, after)
    assert found is not None
    assert found.id == new_one_id
    with database.platform_scope() as session:
        assert [key.replaces for key in list_keys(session)] == [None, key_id]


def test_a_rotation_lets_no_key_live_longer_than_it_was_to_and_gives_the_new_one_as_long_a_life(
    database: Database,
) -> None:
    key_id, old = create(database, replace(LEAD, expires_at=NOW + timedelta(days=10)))
    later = NOW + timedelta(days=9)
    _, new_one = rotate(database, key_id, timedelta(days=30), later)
    assert identify(database, old, NOW + timedelta(days=10)) is None
    assert identify(database, new_one, later + timedelta(days=10, seconds=-1)) is not None
    assert identify(database, new_one, later + timedelta(days=10)) is None


def test_what_can_not_be_rotated_is_said(database: Database) -> None:
    key_id, _ = create(database)
    with pytest.raises(UnfitKeyError, match="at most 30 days"):
        rotate(database, key_id, timedelta(days=30, seconds=1))
    rotated_id, _ = rotate(database, key_id, timedelta(hours=1))
    with pytest.raises(KeyEndedError, match="rotated before"):
        rotate(database, key_id, timedelta(hours=1))
    revoke(database, rotated_id)
    with pytest.raises(KeyEndedError, match="works no more"):
        rotate(database, rotated_id, timedelta(hours=1))
    with pytest.raises(KeyNotFoundError):
        rotate(database, new_id(), timedelta(hours=1))


def test_the_last_use_is_written_once_a_minute(database: Database, rows: psycopg.Connection[dict[str, Any]]) -> None:
    key_id, text = create(database)

    def last_use() -> datetime | None:
        row = rows.execute("SELECT last_used_at FROM api_keys WHERE id = %s", [key_id]).fetchone()
        assert row is not None
        found: datetime | None = row["last_used_at"]
        return found

    assert last_use() is None
    for seconds, written in ((0, 0), (59, 0), (60, 60), (61, 60)):
        assert identify(database, text, NOW + timedelta(seconds=seconds)) is not None
        assert last_use() == NOW + timedelta(seconds=written)


def test_a_use_that_can_not_be_written_does_not_fail_the_request(
    database: Database, database_urls: DatabaseUrls
) -> None:
    _, text = create(database)
    with psycopg.connect(database_urls.superuser, autocommit=True) as owner:
        owner.execute("REVOKE UPDATE ON api_keys FROM gatehouse_platform")
    assert identify(database, text, NOW) is not None


def test_a_use_waits_for_nobody_who_writes_the_same_row(database: Database, database_urls: DatabaseUrls) -> None:
    key_id, text = create(database)
    with psycopg.connect(database_urls.platform) as other:
        other.execute("UPDATE api_keys SET name = 'held' WHERE id = %s", [key_id])
        assert identify(database, text, NOW) is not None
        other.rollback()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": " "}, "Name the key"),
        ({"name": "a\x00b"}, "Name the key"),
        ({"role": "emperor"}, "no role 'emperor'"),
        ({"scopes": ["dead_letters.view"]}, "does not have the permission 'dead_letters.view'"),
        ({"scopes": []}, "Name at least one permission"),
        ({"expires_at": NOW}, "has passed already"),
    ],
)
def test_what_is_wrong_with_a_key_is_said_in_words(database: Database, change: dict[str, Any], words: str) -> None:
    with pytest.raises(UnfitKeyError, match=words):
        create(database, replace(LEAD, **change))


def test_a_key_is_for_an_organization_and_a_client_that_belong_together(database: Database) -> None:
    with pytest.raises(NotFoundError, match="has no such client"):
        create(database, replace(LEAD, client_id=new_id()))
    with pytest.raises(NotFoundError):
        create(database, replace(LEAD, org_id=new_id()))


def test_a_key_reaches_no_further_than_whoever_makes_it(database: Database) -> None:
    lead = Principal("user", "lead", (Grant("implementation_lead", ORGANIZATION_ID),), id=new_id())
    with pytest.raises(ReachesTooFarError):
        create(database, NewKey(PLATFORM_ORG_ID, "all", "super_admin"), at(giver=lead))
    create(database, replace(LEAD, role="workspace_viewer"), at(giver=lead))


def test_a_tenants_scope_sees_and_makes_only_its_own(database: Database) -> None:
    create(database, NewKey(PLATFORM_ORG_ID, "platform", "super_admin"))
    own, _ = create(database)
    with database.tenant_scope(ORGANIZATION_ID) as session:
        assert [key.id for key in list_keys(session)] == [own]
        key, text = create_key(session, replace(LEAD, client_id=CLIENT_ID), at())
    assert identify(database, text, NOW) is not None
    with database.tenant_scope(ORGANIZATION_ID, [CLIENT_ID]) as session:
        assert [found.id for found in list_keys(session)] == [key.id]
        with pytest.raises(KeyNotFoundError):
            revoke_key(session, own, "not mine", ACTOR, NOW)
