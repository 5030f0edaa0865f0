"""The flags of a process: what is changed elsewhere is seen in a moment, whatever is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from domain.audit.record import Actor
from domain.flags.change import Change, change_flag
from domain.flags.definitions import AI_STOPPED, ANSWER_THRESHOLD, OUTBOUND_STOPPED, TAKEOVER_MINUTES
from domain.flags.inforce import DEFAULTS, flags_of, is_on, number, whole
from domain.flags.ports import Target
from domain.kernel.database import Database
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from providers.flags.once import FlagsOnce
from providers.flags.process import ProcessFlags
from providers.flags.telling import tell_after_commit
from tests.support.eventually import eventually
from tests.support.private_redis import PrivateRedis

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls
    from tests.support.servers import Servers

pytestmark = pytest.mark.integration
ANN = Actor("ann", "operator")
NOWHERE = "redis://127.0.0.1:1/0"
WITHIN = 1.0
"""Seconds within which a change is in force everywhere."""


@pytest.fixture
def elsewhere(database_urls: DatabaseUrls, redis_url: str) -> Iterator[Database]:
    """Give the database of another process, which tells of its changes."""
    with (
        closing(Database(database_urls.app, database_urls.platform)) as database,
        closing(tell_after_commit(database, redis_url)),
    ):
        yield database


def _stop(database: Database, *, stopped: bool = True) -> float:
    with database.platform_scope() as session:
        change_flag(session, OUTBOUND_STOPPED.key, Change(default=stopped), ANN)
    return time.monotonic()


def _stopped(flags: ProcessFlags) -> bool:
    return flags.boolean(OUTBOUND_STOPPED.key, default=False)


@pytest.mark.parametrize("redis", ["there", "away"])
def test_a_change_is_in_force_within_a_second_with_redis_and_without(
    database_urls: DatabaseUrls, redis_url: str, elsewhere: Database, redis: str
) -> None:
    flags = ProcessFlags(database_urls.platform, redis_url if redis == "there" else NOWHERE)
    flags.start()
    with closing(flags):
        for stopped in (True, False, True):
            changed = _stop(elsewhere, stopped=stopped)
            eventually(lambda: _stopped(flags) is stopped, within=WITHIN)  # noqa: B023 - looked at within the turn
            assert time.monotonic() - changed < WITHIN


def test_redis_brings_a_change_long_before_the_next_look(
    database_urls: DatabaseUrls, redis_url: str, elsewhere: Database
) -> None:
    flags = ProcessFlags(database_urls.platform, redis_url)
    flags.start()
    with closing(flags):
        took = []
        for turn in range(8):
            changed = _stop(elsewhere, stopped=turn % 2 == 0)
            eventually(lambda: _stopped(flags) is (turn % 2 == 0), within=WITHIN)  # noqa: B023 - as above
            took.append(time.monotonic() - changed)
        assert sorted(took)[len(took) // 2] < 0.2, took


def test_a_redis_that_hangs_or_returns_delays_nothing(database_urls: DatabaseUrls, elsewhere: Database) -> None:
    with PrivateRedis() as redis:
        flags = ProcessFlags(database_urls.platform, redis.url)
        flags.start()
        with closing(flags):
            redis.freeze()
            _stop(elsewhere)
            eventually(lambda: _stopped(flags), within=WITHIN)
            redis.thaw()
            redis.stop()
            _stop(elsewhere, stopped=False)
            eventually(lambda: not _stopped(flags), within=WITHIN)
            redis.start()
            _stop(elsewhere)
            eventually(lambda: _stopped(flags), within=WITHIN)


def test_what_was_read_last_counts_while_the_database_is_away(
    servers: Servers, database_urls: DatabaseUrls, redis_url: str, elsewhere: Database
) -> None:
    flags = ProcessFlags(database_urls.platform, redis_url)
    flags.start()
    with closing(flags), psycopg.connect(servers.superuser_url, autocommit=True) as administrator:
        _stop(elsewhere)
        eventually(lambda: _stopped(flags), within=WITHIN)
        _open(administrator, database_urls.name, "false")
        administrator.execute(_CUT, [database_urls.name])
        eventually(lambda: _provider_is(flags, "STALE"), within=5)
        assert _stopped(flags)
        _open(administrator, database_urls.name, "true")
        _stop(elsewhere, stopped=False)
        eventually(lambda: not _stopped(flags), within=3)
        eventually(lambda: _provider_is(flags, "READY"), within=3)


_CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatehouse-flags' AND datname = %s"
)


def _open(administrator: psycopg.Connection[tuple[object, ...]], name: str, allowed: LiteralString) -> None:
    administrator.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS " + allowed).format(Identifier(name)))


def _provider_is(flags: ProcessFlags, status: str) -> bool:
    return flags.status == status


def test_a_process_that_starts_without_a_database_begins_with_the_defaults() -> None:
    flags = ProcessFlags("postgresql://127.0.0.1:1/none", NOWHERE)
    began = time.monotonic()
    flags.start()
    with closing(flags):
        assert time.monotonic() - began < 3
        assert not _stopped(flags)
        assert whole(flags, TAKEOVER_MINUTES) == 60
        assert flags.status == "ERROR"
        assert not flags.wait_read(0)


def test_who_waits_for_the_first_read_has_a_switch_that_was_thrown_before(
    servers: Servers, database_urls: DatabaseUrls, redis_url: str, elsewhere: Database
) -> None:
    _stop(elsewhere)
    with psycopg.connect(servers.superuser_url, autocommit=True) as administrator:
        _open(administrator, database_urls.name, "false")
        flags = ProcessFlags(database_urls.platform, redis_url)
        flags.start()
        with closing(flags):
            assert not _stopped(flags)
            assert not flags.wait_read(0)
            _open(administrator, database_urls.name, "true")
            assert flags.wait_read(3)
            assert _stopped(flags)


def test_targets_of_tenants_clients_and_shares_count(
    database_urls: DatabaseUrls, redis_url: str, elsewhere: Database
) -> None:
    apply(database_urls.platform, "demo")
    with elsewhere.platform_scope() as session:
        change_flag(session, AI_STOPPED.key, Change(targets=[Target(True, ORGANIZATION_ID)]), ANN)  # noqa: FBT003
        change_flag(session, TAKEOVER_MINUTES.key, Change(targets=[Target(5, client_id=CLIENT_ID)]), ANN)
        change_flag(session, ANSWER_THRESHOLD.key, Change(targets=[Target(value=1, percentage=100)]), ANN)
    flags = ProcessFlags(database_urls.platform, redis_url)
    flags.serve(elsewhere)
    flags.start()
    with closing(flags), elsewhere.platform_scope() as session:
        for asked in (flags, FlagsOnce(database_urls.platform)):
            assert asked.boolean(AI_STOPPED.key, default=False, org_id=ORGANIZATION_ID, client_id=CLIENT_ID)
            assert not asked.boolean(AI_STOPPED.key, default=False)
            assert whole(asked, TAKEOVER_MINUTES, org_id=ORGANIZATION_ID, client_id=CLIENT_ID) == 5
            assert whole(asked, TAKEOVER_MINUTES, org_id=ORGANIZATION_ID) == 60
            assert number(asked, ANSWER_THRESHOLD, client_id=CLIENT_ID) == 1.0
        assert flags_of(session) is flags
        assert is_on(session, AI_STOPPED, org_id=ORGANIZATION_ID)


def test_a_transaction_of_a_process_without_flags_goes_by_the_defaults(database_urls: DatabaseUrls) -> None:
    with (
        closing(Database(database_urls.app, database_urls.platform)) as database,
        database.platform_scope() as session,
    ):
        assert flags_of(session) is DEFAULTS
        assert not is_on(session, OUTBOUND_STOPPED)
