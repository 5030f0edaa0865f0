"""What an organization changes of a role is kept on record, and refused when it allows more."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import text

from config.places import CONFIG
from domain.access.roles.book import read_roles
from domain.access.roles.documents import OverrideDocument
from domain.access.roles.errors import UnknownRoleError
from domain.access.roles.overrides import remove_override, set_override, stored_overrides
from domain.access.roles.telling import tell_of_overrides
from domain.audit.record import Actor
from domain.kernel.database import Database
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.ids import new_id
from domain.notices.raising import open_notices

pytestmark = pytest.mark.integration
ROLES: Final = read_roles(CONFIG)
ACTOR: Final = Actor("ada", "implementation_lead")


@pytest.fixture
def org_id(database: Database) -> UUID:
    return _organization(database)


def _organization(database: Database) -> UUID:
    org_id = new_id()
    with database.platform_scope() as session:
        session.execute(
            text("INSERT INTO organizations (id, slug, name) VALUES (:id, :slug, 'Acme')"),
            {"id": org_id, "slug": f"a{org_id.hex[-12:]}"},
        )
    return org_id


def _set(database: Database, org_id: UUID, role: str, said: dict[str, Any], reason: str | None = None) -> None:
    with database.tenant_scope(org_id) as session:
        set_override(session, ROLES, role, OverrideDocument.model_validate(said), ACTOR, org_id=org_id, reason=reason)


def _stored(database: Database, org_id: UUID) -> dict[str, Any]:
    with database.tenant_scope(org_id) as session:
        return dict(stored_overrides(session).get(org_id, {}))


def _acts(database: Database, org_id: UUID) -> list[tuple[Any, ...]]:
    query = (
        "SELECT action, target_id, before, after, reason FROM admin_audit_logs WHERE org_id = :org ORDER BY sequence"
    )
    with database.platform_scope() as session:
        return [tuple(row) for row in session.execute(text(query), {"org": org_id})]


def test_each_change_is_recorded_with_what_was_before(database: Database, org_id: UUID) -> None:
    first = {"schema": 1, "permissions": {"users.change": None}}
    second = {"schema": 1, "display_name": "Onboarding"}
    _set(database, org_id, "implementation_lead", {"permissions": {"users.change": None}}, reason="Asked by Dana")
    _set(database, org_id, "implementation_lead", {"display_name": "Onboarding"})
    assert _stored(database, org_id) == {"implementation_lead": second}
    with database.tenant_scope(org_id) as session:
        remove_override(session, ROLES, "implementation_lead", ACTOR, org_id=org_id)
    assert _stored(database, org_id) == {}
    assert _acts(database, org_id) == [
        ("role.override", "implementation_lead", None, first, "Asked by Dana"),
        ("role.override", "implementation_lead", first, second, None),
        ("role.restore", "implementation_lead", second, None, None),
    ]


@pytest.mark.parametrize(
    ("role", "said", "words"),
    [
        ("customer", {"permissions": {"users.view": "organization"}}, 'the role does not have "users.view"'),
        ("customer", {"permissions": {"locations.view": "organization"}}, '"organization" is wider than "own"'),
        ("customer", {"navigation": {"nowhere": {"hidden": True}}}, 'the role has no "nowhere"'),
    ],
)
def test_an_override_that_allows_more_or_dangles_is_refused_and_leaves_nothing(
    database: Database, org_id: UUID, role: str, said: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        _set(database, org_id, role, said)
    assert (_stored(database, org_id), _acts(database, org_id)) == ({}, [])


@pytest.mark.parametrize("role", ["nobody", "base"])
def test_a_role_that_nobody_can_be_given_is_not_changed(database: Database, org_id: UUID, role: str) -> None:
    with pytest.raises(UnknownRoleError, match="There is no role"):
        _set(database, org_id, role, {})
    with database.tenant_scope(org_id) as session, pytest.raises(UnknownRoleError):
        remove_override(session, ROLES, role, ACTOR, org_id=org_id)


def test_what_was_not_changed_is_not_taken_back(database: Database, org_id: UUID) -> None:
    with database.tenant_scope(org_id) as session, pytest.raises(NotFoundError, match="has not changed the role"):
        remove_override(session, ROLES, "customer", ACTOR, org_id=org_id)


def test_what_is_left_of_a_role_whose_file_is_gone_can_be_removed(database: Database, org_id: UUID) -> None:
    _store(database, org_id, "old_role", "{}")
    with database.tenant_scope(org_id) as session:
        remove_override(session, ROLES, "old_role", ACTOR, org_id=org_id)
    assert _stored(database, org_id) == {}


def _store(database: Database, org_id: UUID, role: str, document: str) -> None:
    statement = """
        INSERT INTO role_overrides (org_id, role, document) VALUES (:org, :role, CAST(:document AS jsonb))
        ON CONFLICT (org_id, role) DO UPDATE SET document = EXCLUDED.document
    """
    with database.platform_scope() as session:
        session.execute(text(statement), {"org": org_id, "role": role, "document": document})


def _told(database: Database) -> list[tuple[UUID, str, str, int]]:
    with database.platform_scope() as session:
        tell_of_overrides(session, ROLES)
    with database.platform_scope() as session:
        return sorted((one.org_id, one.subject, one.words, one.count) for one in open_notices(session))


def test_a_person_is_told_once_of_what_is_wrong_and_when_it_is_right_again(database: Database, org_id: UUID) -> None:
    _set(database, org_id, "customer", {"display_name": "Guest"})
    assert _told(database) == []
    _store(database, org_id, "customer", '{"colour": "red"}')
    _store(database, org_id, "old_role", "{}")
    customer, old = _told(database)
    assert customer == (
        org_id,
        "customer",
        "What the organization changed of customer is wrong: the role looks as its file says, and what it takes away"
        " stays away. colour: this is not known here; remove it, or correct its name.",
        1,
    )
    assert old == (org_id, "old_role", "The organization changed the role old_role, which no file knows any more.", 1)
    assert _told(database) == [customer, old]
    _store(database, org_id, "customer", '{"icon": "mail"}')
    assert _told(database) == [old]
