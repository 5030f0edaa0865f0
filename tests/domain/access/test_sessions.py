"""Browsers' sessions in the database: what one query finds, and all that ends one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from domain.access.models import User
from domain.access.principal import Grant
from domain.access.sessions import (
    IDLE,
    LIFETIME,
    SEEN_EVERY,
    Owner,
    end_expired,
    end_listed,
    end_session,
    end_sessions_of,
    find_session,
    list_sessions,
    open_session,
)
from domain.access.standing import standing_of
from domain.access.view_as import View, end_overdue, start_view, stop_view
from domain.audit.record import Actor
from domain.kernel.database import Database
from domain.kernel.errors import InvalidInputError, NotFoundError
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID
from migrations.seeds.demo import ORGANIZATION_ID as ORG_ID
from tests.support.signing_in import add_person

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ACTOR = Actor("Ann", "super_admin")
A_MOMENT = timedelta(seconds=1)


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    apply(database_urls.platform, "demo")
    database = Database(database_urls.app, database_urls.platform, pool_size=2)
    yield database
    database.close()


@pytest.fixture
def ann(database: Database, database_urls: DatabaseUrls) -> UUID:
    del database  # The organization has to be there.
    return add_person(database_urls.platform, "ann@example.com", ("workspace_admin", ORG_ID, CLIENT_ID), name="Ann")


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.platform_scope() as session:
        yield session


def opened(session: Session, user_id: UUID | None, now: datetime = NOW, mark: str | None = None) -> str:
    return open_session(
        session,
        user_id=user_id,
        standing=standing_of(session.get_one(User, user_id)) if user_id else "",
        now=now,
        ip="192.0.2.1",
        user_agent="Firefox",
        second_factor=False,
        admin_token_mark=mark,
    )


def acts(session: Session) -> list[tuple[str, str, dict[str, Any]]]:
    rows = session.connection().exec_driver_sql("SELECT actor, action, after FROM admin_audit_logs ORDER BY id")
    return [(row.actor, row.action, row.after) for row in rows]


def test_a_session_is_found_with_all_that_it_allows(session: Session, ann: UUID) -> None:
    found = find_session(session, opened(session, ann), NOW)
    assert found is not None
    assert (found.user_id, found.name, found.email) == (ann, "Ann", "ann@example.com")
    assert found.grants == (Grant("workspace_admin", ORG_ID, CLIENT_ID),)
    assert found.view is None


def test_it_takes_one_statement(session: Session, ann: UUID) -> None:
    token = opened(session, ann)
    statements: list[str] = []

    def count(*given: Any) -> None:  # noqa: ANN401 - of SQLAlchemy
        statements.append(given[2])

    engine = session.get_bind()
    assert isinstance(engine, Engine)
    event.listen(engine, "before_cursor_execute", count)
    try:
        find_session(session, token, NOW)
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(statements) == 1


def test_a_copy_of_the_table_opens_nothing(session: Session, ann: UUID) -> None:
    token = opened(session, ann)
    kept = session.connection().exec_driver_sql("SELECT user_sessions::text AS whole FROM user_sessions").scalar_one()
    assert token not in kept
    assert find_session(session, bytes.fromhex(kept.split("\\x")[1][:64]).hex(), NOW) is None


def test_tokens_are_long_and_never_the_same(session: Session, ann: UUID) -> None:
    tokens = {opened(session, ann) for _ in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {43}


@pytest.mark.parametrize(
    ("seen", "found_at", "lasts"),
    [
        ([], IDLE - A_MOMENT, True),
        ([], IDLE, False),
        ([IDLE - A_MOMENT], 2 * IDLE - 2 * A_MOMENT, True),
        ([IDLE - A_MOMENT], 2 * IDLE, False),
        ([hour * timedelta(hours=1) for hour in range(1, 12)], LIFETIME - A_MOMENT, True),
        ([hour * timedelta(hours=1) for hour in range(1, 12)], LIFETIME, False),
    ],
)
def test_time_ends_it(session: Session, ann: UUID, seen: list[timedelta], found_at: timedelta, *, lasts: bool) -> None:
    token = opened(session, ann)
    for after in seen:
        assert find_session(session, token, NOW + after) is not None
    assert (find_session(session, token, NOW + found_at) is not None) == lasts


def test_it_is_written_to_once_a_minute_at_most(session: Session, ann: UUID) -> None:
    token = opened(session, ann)

    def last_seen() -> datetime:
        found: datetime = session.connection().exec_driver_sql("SELECT last_seen_at FROM user_sessions").scalar_one()
        return found

    find_session(session, token, NOW + SEEN_EVERY)
    assert last_seen() == NOW
    find_session(session, token, NOW + SEEN_EVERY + A_MOMENT)
    assert last_seen() == NOW + SEEN_EVERY + A_MOMENT
    find_session(session, token, NOW + SEEN_EVERY)
    assert last_seen() == NOW + SEEN_EVERY + A_MOMENT


def test_whoever_is_disabled_is_out_at_once(session: Session, ann: UUID) -> None:
    token = opened(session, ann)
    session.connection().exec_driver_sql("UPDATE users SET disabled_at = now()")
    assert find_session(session, token, NOW) is None


def test_reports_are_found_over_all_levels_and_in_a_circle(
    database: Database, database_urls: DatabaseUrls, ann: UUID
) -> None:
    in_org = ("crew", ORG_ID, None)
    bob = add_person(database_urls.platform, "bob@example.com", in_org, reports_to=ann)
    cay = add_person(database_urls.platform, "cay@example.com", in_org, reports_to=bob)
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("UPDATE memberships SET reports_to = %s WHERE user_id = %s", (cay, ann))
    add_person(database_urls.platform, "dan@example.com", in_org)
    with database.platform_scope() as session:
        found = find_session(session, opened(session, ann), NOW)
    assert found is not None
    assert found.reports == {(ORG_ID, bob), (ORG_ID, cay)}


def test_an_ended_session_is_gone(session: Session, ann: UUID) -> None:
    token = opened(session, ann)
    assert end_session(session, token)
    assert not end_session(session, token)
    assert find_session(session, token, NOW) is None


def test_all_sessions_of_one_person_end_but_one(session: Session, database_urls: DatabaseUrls, ann: UUID) -> None:
    bob = add_person(database_urls.platform, "bob@example.com")
    mine, other, bobs = opened(session, ann), opened(session, ann), opened(session, bob)
    found = find_session(session, mine, NOW)
    assert found is not None
    assert end_sessions_of(session, ann, but=found.token_hash) == 1
    assert [find_session(session, token, NOW) is not None for token in (mine, other, bobs)] == [True, False, True]
    assert end_sessions_of(session, ann) == 1


def test_a_listed_session_is_ended_by_its_owner_alone(session: Session, database_urls: DatabaseUrls, ann: UUID) -> None:
    bob = add_person(database_urls.platform, "bob@example.com")
    token = opened(session, ann)
    (listed,) = list_sessions(session, Owner(ann), NOW)
    assert (listed.ip, listed.user_agent) == ("192.0.2.1", "Firefox")
    assert token not in listed.id
    assert not end_listed(session, Owner(bob), listed.id)
    assert end_listed(session, Owner(ann), listed.id)
    assert list_sessions(session, Owner(ann), NOW) == []


def test_the_admin_tokens_sessions_are_told_apart_by_its_mark(session: Session) -> None:
    opened(session, None, mark="one")
    opened(session, None, mark="two")
    assert len(list_sessions(session, Owner(admin_token_mark="one"), NOW)) == 1


def test_expired_sessions_are_swept(session: Session, ann: UUID) -> None:
    opened(session, ann)
    later = opened(session, ann, NOW + timedelta(hours=1))
    assert end_expired(session, NOW + LIFETIME) == 1
    assert find_session(session, later, NOW + timedelta(hours=1)) is not None


def viewing(session: Session, ann: UUID, minutes: int = 10) -> bytes:
    found = find_session(session, opened(session, ann), NOW)
    assert found is not None
    view = View(ORG_ID, CLIENT_ID, None, NOW + timedelta(minutes=minutes))
    start_view(session, ACTOR, found.token_hash, view, reason="Case 4711", now=NOW)
    return found.token_hash


def test_a_view_is_found_with_the_session_and_ends_by_itself(session: Session, ann: UUID) -> None:
    token = opened(session, ann)
    found = find_session(session, token, NOW)
    assert found is not None
    until = NOW + timedelta(minutes=10)
    start_view(session, ACTOR, found.token_hash, View(ORG_ID, CLIENT_ID, None, until), reason="Case 4711", now=NOW)

    during = find_session(session, token, until - A_MOMENT)
    after = find_session(session, token, until)
    assert during is not None
    assert after is not None
    assert during.view is not None
    assert (during.view.client_id, during.view.until, during.view.writes) == (CLIENT_ID, until, False)
    assert during.view.client_name
    assert (after.view, after.view_ran_out) == (None, True)


@pytest.mark.parametrize("minutes", [0, -1, 61])
def test_a_view_lasts_from_one_to_sixty_minutes(session: Session, ann: UUID, minutes: int) -> None:
    with pytest.raises(InvalidInputError):
        viewing(session, ann, minutes)


def test_a_view_needs_a_session_and_a_reason(session: Session) -> None:
    view = View(ORG_ID, CLIENT_ID, None, NOW + timedelta(minutes=1))
    with pytest.raises(NotFoundError):
        start_view(session, ACTOR, b"0" * 32, view, reason="Case 4711", now=NOW)
    with pytest.raises(InvalidInputError):
        start_view(session, ACTOR, b"0" * 32, view, reason="  ", now=NOW)


def test_a_view_outlasts_no_session(session: Session, ann: UUID) -> None:
    token = opened(session, ann, NOW - LIFETIME + timedelta(minutes=20))
    found = find_session(session, token, NOW, LIFETIME)
    assert found is not None
    view = View(ORG_ID, CLIENT_ID, None, NOW + timedelta(minutes=60))
    assert start_view(session, ACTOR, found.token_hash, view, reason="x", now=NOW) == found.expires_at


def test_every_end_of_a_view_is_on_record_once(session: Session, ann: UUID) -> None:
    stopped, ran_out, ended = viewing(session, ann), viewing(session, ann, 5), viewing(session, ann, 20)
    assert stop_view(session, ACTOR, stopped)
    assert not stop_view(session, ACTOR, stopped)
    assert end_overdue(session, NOW + timedelta(minutes=5)) == 1
    assert end_overdue(session, NOW + timedelta(minutes=5), ran_out) == 0
    assert end_sessions_of(session, ann) == 3
    assert ended != stopped
    ends = [(actor, after["ended"]) for actor, action, after in acts(session) if action == "view_as.stop"]
    assert ends == [("Ann", "stopped"), ("Ann", "ran out"), ("Ann", "the session ended")]
    assert sum(action == "view_as.start" for _, action, _ in acts(session)) == 3


def test_the_client_finds_who_looked_in(database: Database, ann: UUID) -> None:
    with database.platform_scope() as session:
        viewing(session, ann)
    with database.tenant_scope(ORG_ID, [CLIENT_ID]) as session:
        assert [action for _, action, _ in acts(session)] == ["view_as.start"]
