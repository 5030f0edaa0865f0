"""The scheduler tells a person of what an organization changed of a role and is wrong."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from sqlalchemy import text

from config.places import CONFIG
from domain.access.roles.live import LiveRoles
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from domain.notices.raising import NoticeKind, open_notices
from tests.support.databases import DatabaseUrls
from workers.role_watch import RoleWatch

pytestmark = pytest.mark.integration


def test_a_wrong_change_of_a_role_becomes_a_notice(database_urls: DatabaseUrls) -> None:
    org_id = new_id()
    with closing(Database(database_urls.app, database_urls.platform)) as database:
        with database.platform_scope() as session:
            session.execute(
                text("INSERT INTO organizations (id, slug, name) VALUES (:id, 'acme', 'Acme')"), {"id": org_id}
            )
            session.execute(
                text(
                    """INSERT INTO role_overrides VALUES (:id, 'customer', '{"permissions": {"users.view": "own"}}')"""
                ),
                {"id": org_id},
            )
        RoleWatch(LiveRoles(CONFIG), database).tick()
        with database.platform_scope() as session:
            assert [(one.org_id, one.kind, one.subject) for one in open_notices(session)] == [
                (org_id, NoticeKind.ROLE_WRONG, "customer")
            ]


def test_a_database_that_is_away_does_not_end_the_scheduler() -> None:
    nowhere = "postgresql://127.0.0.1:1/none"
    stopping = threading.Event()
    stopping.set()
    with closing(Database(nowhere, nowhere)) as database:
        watch = RoleWatch(LiveRoles(CONFIG), database)
        watch.tick()
        watch.run(stopping)
