"""A running process takes up changed files and what organizations change, and keeps the last good when one is wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import UUID

import pytest
import structlog
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from domain.access.authorize import Scope
from domain.access.roles.errors import RoleFilesError
from domain.access.roles.live import LiveRoles
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.notices.raising import open_notices
from tests.support.eventually import eventually
from tests.support.role_files import RoleDirectory

pytestmark = pytest.mark.integration


@pytest.fixture
def org_id(database: Database) -> UUID:
    org_id = new_id()
    with database.platform_scope() as session:
        session.execute(text("INSERT INTO organizations (id, slug, name) VALUES (:id, 'acme', 'Acme')"), {"id": org_id})
    return org_id


@pytest.fixture
def roles(directory: RoleDirectory, database: Database) -> LiveRoles:
    """Give live roles that look when the test says so."""
    directory.write("clerk", permissions={"letters.view": "organization", "letters.write": "organization"})
    roles = LiveRoles(directory.path)
    roles.serve(database)
    return roles


@contextmanager
def override_queries() -> Iterator[list[str]]:
    """Collect the statements that ask for overrides."""
    seen: list[str] = []

    def see(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "role_overrides" in statement:
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", see)


@pytest.fixture
def unreachable() -> Iterator[Database]:
    nowhere = "postgresql://127.0.0.1:1/none"
    with closing(Database(nowhere, nowhere)) as database:
        yield database


def _override(database: Database, org_id: UUID, role: str, document: object) -> None:
    statement = """
        INSERT INTO role_overrides (org_id, role, document) VALUES (:org, :role, CAST(:document AS jsonb))
        ON CONFLICT (org_id, role) DO UPDATE SET document = EXCLUDED.document
    """
    with database.platform_scope() as session:
        session.execute(text(statement), {"org": org_id, "role": role, "document": json.dumps(document)})


def _notices(database: Database) -> list[tuple[UUID, str, str]]:
    with database.platform_scope() as session:
        return [(one.org_id, one.subject, one.words) for one in open_notices(session)]


def _look_twice(roles: LiveRoles) -> None:
    """Let the roles see that the files changed, and that they rest."""
    roles.tick()
    roles.tick()


def test_a_changed_file_is_in_force_once_it_rests(directory: RoleDirectory, roles: LiveRoles, org_id: UUID) -> None:
    directory.write("clerk", permissions={"letters.view": "client"})
    directory.write("night_shift", permissions={"letters.view": "own"})
    roles.tick()
    assert roles.scope_of("clerk", "letters.view", org_id) is Scope.ORGANIZATION
    roles.tick()
    assert roles.scope_of("clerk", "letters.view", org_id) is Scope.CLIENT
    assert roles.scope_of("clerk", "letters.write", org_id) is None
    assert roles.scope_of("night_shift", "letters.view", org_id) is Scope.OWN
    (directory.roles / "night_shift.v1.json").unlink()
    _look_twice(roles)
    assert roles.effective("night_shift", org_id) is None


def test_files_that_do_not_change_are_not_read_again(directory: RoleDirectory, roles: LiveRoles) -> None:
    before = roles.current
    _look_twice(roles)
    assert roles.current is before
    assert directory.roles.exists()


def test_a_broken_file_leaves_the_last_good_in_force_and_a_person_is_told(
    directory: RoleDirectory, roles: LiveRoles, database: Database, org_id: UUID
) -> None:
    good = (directory.roles / "clerk.v1.json").read_text()
    directory.write("clerk", permissions={"letters.view": "platform"}, colour="hunter2")
    with structlog.testing.capture_logs() as lines:
        for _ in range(4):
            roles.tick()
    assert roles.scope_of("clerk", "letters.view", org_id) is Scope.ORGANIZATION
    assert lines == [{"event": "roles_not_reloaded", "files": ["clerk.v1.json"], "mistakes": 1, "log_level": "error"}]
    ((of, subject, words),) = _notices(database)
    assert (of, subject) == (PLATFORM_ORG_ID, "role files")
    assert "clerk.v1.json: colour: this is not known here; remove it" in words
    assert "hunter2" not in words
    directory.write_text("clerk.v1.json", good)
    _look_twice(roles)
    assert _notices(database) == []


def test_a_directory_that_is_away_leaves_the_last_good_in_force(
    directory: RoleDirectory, roles: LiveRoles, database: Database, org_id: UUID
) -> None:
    away = directory.roles.rename(directory.path / "elsewhere")
    _look_twice(roles)
    assert roles.scope_of("clerk", "letters.view", org_id) is Scope.ORGANIZATION
    assert len(_notices(database)) == 1
    away.rename(directory.roles)
    _look_twice(roles)
    assert _notices(database) == []


def test_a_process_does_not_start_with_files_that_are_wrong(directory: RoleDirectory) -> None:
    directory.write("clerk", colour="red")
    with pytest.raises(RoleFilesError, match=r"clerk\.v1\.json: colour"):
        LiveRoles(directory.path)


def test_what_an_organization_changes_is_in_force_there_alone(
    roles: LiveRoles, database: Database, org_id: UUID
) -> None:
    _override(database, org_id, "clerk", {"permissions": {"letters.write": None, "letters.view": "own"}})
    assert roles.scope_of("clerk", "letters.write", org_id) is None
    assert roles.scope_of("clerk", "letters.view", org_id) is Scope.OWN
    for elsewhere in (new_id(), PLATFORM_ORG_ID):
        assert roles.scope_of("clerk", "letters.write", elsewhere) is Scope.ORGANIZATION


def test_a_change_is_in_force_at_the_next_look_and_at_once_in_the_process_that_makes_it(
    roles: LiveRoles, database: Database, org_id: UUID
) -> None:
    assert roles.scope_of("clerk", "letters.write", org_id) is Scope.ORGANIZATION
    _override(database, org_id, "clerk", {"permissions": {"letters.write": "client"}})
    assert roles.scope_of("clerk", "letters.write", org_id) is Scope.ORGANIZATION
    roles.tick()
    assert roles.scope_of("clerk", "letters.write", org_id) is Scope.CLIENT
    _override(database, org_id, "clerk", {"permissions": {"letters.write": None}})
    roles.refresh(org_id)
    assert roles.scope_of("clerk", "letters.write", org_id) is None


def test_a_changed_file_is_narrowed_as_the_one_before(
    directory: RoleDirectory, roles: LiveRoles, database: Database, org_id: UUID
) -> None:
    _override(database, org_id, "clerk", {"permissions": {"letters.view": "client"}})
    assert roles.scope_of("clerk", "letters.view", org_id) is Scope.CLIENT
    directory.write("clerk", permissions={"letters.view": "platform"})
    _look_twice(roles)
    assert roles.scope_of("clerk", "letters.view", org_id) is Scope.CLIENT


def test_a_wrong_change_is_logged_once_and_what_it_takes_away_stays_away(
    roles: LiveRoles, database: Database, org_id: UUID
) -> None:
    _override(database, org_id, "clerk", {"permissions": {"letters.write": None}, "display_name": 7})
    with structlog.testing.capture_logs() as lines:
        found = roles.effective("clerk", org_id)
        roles.tick()
    assert found is not None
    assert (found.display_name, "letters.write" in found.scopes) == ("Clerk", False)
    assert [line["event"] for line in lines] == ["role_override_refused"]


def test_checks_ask_the_database_once_about_an_organization(roles: LiveRoles, org_id: UUID) -> None:
    with override_queries() as seen:
        for _ in range(100):
            roles.scope_of("clerk", "letters.view", org_id)
            roles.scope_of("clerk", "letters.write", PLATFORM_ORG_ID)
        assert len(seen) == 1
        roles.scope_of("clerk", "letters.view", new_id())
        roles.tick()
        assert len(seen) == 3


def test_threads_that_ask_first_at_once_ask_the_database_once(roles: LiveRoles, org_id: UUID) -> None:
    ready = threading.Barrier(8)

    def ask() -> None:
        ready.wait(10)
        roles.scope_of("clerk", "letters.view", org_id)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    with override_queries() as seen:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(seen) == 1


def test_without_the_database_nothing_is_allowed_in_an_organization_that_nothing_is_known_of(
    directory: RoleDirectory, unreachable: Database
) -> None:
    directory.write("clerk", permissions={"letters.view": "organization"})
    roles = LiveRoles(directory.path)
    roles.serve(unreachable)
    with pytest.raises(SQLAlchemyError):
        roles.scope_of("clerk", "letters.view", new_id())
    assert roles.scope_of("clerk", "letters.view", PLATFORM_ORG_ID) is Scope.ORGANIZATION


def test_a_running_process_follows_files_and_changes_by_itself(
    directory: RoleDirectory, roles: LiveRoles, database: Database, org_id: UUID
) -> None:
    with closing(roles):
        roles.start()
        assert roles.scope_of("clerk", "letters.write", org_id) is Scope.ORGANIZATION
        _override(database, org_id, "clerk", {"permissions": {"letters.write": None}})
        eventually(lambda: roles.scope_of("clerk", "letters.write", org_id) is None, within=5)
        directory.write("clerk", permissions={"letters.view": "own"})
        eventually(lambda: roles.scope_of("clerk", "letters.view", org_id) is Scope.OWN, within=5)
