"""An act and its entry stand or fall together, and an entry never changes."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

from domain.audit.record import Act, Actor, record
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID
from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
_ACTOR = Actor("night shift", "operator", ip="192.0.2.7", request_id="r1")
_SHOWN = {"to": "+15005550006", "token": "s3cret-value"}
_ACT = Act("dead_letter.discard", "job", "j1", reason="a test of +15005550007", before=_SHOWN)


def test_an_entry_shows_no_secret_and_no_number(database_urls: DatabaseUrls) -> None:
    with closing(Database(database_urls.app, database_urls.platform)) as database, database.platform_scope() as session:
        record(session, _ACTOR, _ACT)
    with psycopg.connect(database_urls.platform) as connection:
        row = connection.execute(
            "SELECT org_id, actor, host(ip), reason, before::text FROM admin_audit_logs"
        ).fetchone()
    assert row is not None
    assert row[:4] == (PLATFORM_ORG_ID, "night shift", "192.0.2.7", "a test of [phone …07]")
    assert "5005550006" not in row[4]
    assert "s3cret-value" not in row[4]


def test_an_act_that_fails_leaves_no_entry(database_urls: DatabaseUrls) -> None:
    with closing(Database(database_urls.app, database_urls.platform)) as database:
        with pytest.raises(ZeroDivisionError), database.platform_scope() as session:
            record(session, _ACTOR, _ACT)
            raise ZeroDivisionError
        with database.platform_scope() as session:
            record(session, _ACTOR, _ACT)
    with psycopg.connect(database_urls.platform) as connection:
        assert connection.execute("SELECT count(*) FROM admin_audit_logs").fetchone() == (1,)


@pytest.mark.parametrize("statement", ["UPDATE admin_audit_logs SET reason = 'x'", "DELETE FROM admin_audit_logs"])
@pytest.mark.parametrize("role", ["app", "platform"])
def test_nobody_rewrites_what_was_done(database_urls: DatabaseUrls, statement: str, role: str) -> None:
    url = database_urls.app if role == "app" else database_urls.platform
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())
