"""Organizations are taken on, renamed, suspended and restored, each on record, and nothing else of them changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select, text

from domain.audit.models import AuditLog
from domain.audit.record import Actor
from domain.gate.guards import Guard
from domain.gate.policy import RULES
from domain.gate.snapshot import load_snapshot
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.kernel.reasons import ReasonMissingError, fit_reason
from domain.tenancy.change import rename_organization
from domain.tenancy.create import create_organization
from domain.tenancy.errors import SlugTakenError, StandingError, UnfitNameError
from domain.tenancy.listing import get_organization, list_organizations
from domain.tenancy.resolve import OrganizationNotFoundError
from domain.tenancy.slugs import UnfitSlugError
from domain.tenancy.suspend import restore_organization, suspend_organization
from tests.domain.clients.rows import READY, add_client, add_organization

pytestmark = pytest.mark.integration
DANA = Actor(name="dana", role="super_admin")


def acts(database: Database, org_id: UUID) -> list[tuple[str, str | None]]:
    with database.platform_scope() as session:
        rows = session.scalars(select(AuditLog).where(AuditLog.org_id == org_id).order_by(AuditLog.sequence))
        return [(row.action, row.reason) for row in rows]


def test_an_organization_is_taken_on_and_renamed_on_record(database: Database) -> None:
    with database.platform_scope() as session:
        org_id = create_organization(session, slug="acme", name=" Acme ", actor=DANA).id
    with database.tenant_scope(org_id) as session:
        assert rename_organization(session, org_id, "Acme Services", DANA).name == "Acme Services"
        rename_organization(session, org_id, "Acme Services", DANA)
    with database.platform_scope() as session:
        found = get_organization(session, "acme")
        assert (found.id, found.name, found.status) == (org_id, "Acme Services", "active")
        assert found.updated_at > found.created_at
        entries = session.scalars(select(AuditLog).order_by(AuditLog.sequence)).all()
    assert [(entry.action, entry.before, entry.after) for entry in entries] == [
        ("organization.created", None, {"slug": "acme", "name": "Acme"}),
        ("organization.changed", {"name": "Acme"}, {"name": "Acme Services"}),
    ]


def test_a_slug_that_is_taken_or_kept_is_refused_and_leaves_the_transaction_usable(database: Database) -> None:
    with database.platform_scope() as session:
        create_organization(session, slug="acme", name="Acme", actor=DANA)
        with pytest.raises(SlugTakenError):
            create_organization(session, slug="acme", name="Another", actor=DANA)
        with pytest.raises(UnfitSlugError):
            create_organization(session, slug="www", name="Another", actor=DANA)
        with pytest.raises(UnfitNameError):
            create_organization(session, slug="other", name=" \x00", actor=DANA)
        assert [one.slug for one in list_organizations(session)] == ["acme"]


def test_a_suspension_blocks_the_gate_at_once_and_a_restoration_lifts_it(database: Database) -> None:
    org_id = add_organization(database)
    client_id = add_client(database, org_id, **READY)

    def outcome() -> str:
        with database.tenant_scope(org_id) as session:
            snapshot = load_snapshot(session, client_id, now=datetime.now(UTC), direct_reply=True)
        return RULES[Guard.CAN_SEND_SMS](snapshot).outcome

    assert outcome() == "allow"
    with database.platform_scope() as session:
        suspended = suspend_organization(session, org_id, "Did not answer us.", DANA)
        assert (suspended.status, suspended.suspended_reason) == ("suspended", "Did not answer us.")
        assert suspended.suspended_at is not None
    assert outcome() == "hard"
    with database.platform_scope() as session, pytest.raises(StandingError, match="Did not answer us"):
        suspend_organization(session, org_id, "Again.", DANA)
    with database.platform_scope() as session:
        restored = restore_organization(session, org_id, "Answered.", DANA)
        assert (restored.status, restored.suspended_reason, restored.suspended_at) == ("active", None, None)
    assert outcome() == "allow"
    with database.platform_scope() as session, pytest.raises(StandingError):
        restore_organization(session, org_id, "Again.", DANA)
    assert acts(database, org_id) == [
        ("organization.suspended", "Did not answer us."),
        ("organization.restored", "Answered."),
    ]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x07b"])
def test_nobody_is_suspended_without_a_reason(reason: str) -> None:
    with pytest.raises(ReasonMissingError):
        fit_reason(reason)


def test_the_platform_s_own_organization_is_not_one_of_them(database: Database) -> None:
    with database.platform_scope() as session:
        assert list_organizations(session) == []
        refused: list[Callable[[], object]] = [
            lambda: get_organization(session, PLATFORM_ORG_ID),
            lambda: get_organization(session, "platform"),
            lambda: rename_organization(session, PLATFORM_ORG_ID, "Mine", DANA),
            lambda: suspend_organization(session, PLATFORM_ORG_ID, "Ha.", DANA),
        ]
        for act in refused:
            with pytest.raises(OrganizationNotFoundError):
                act()


def test_a_tenant_can_change_its_name_and_neither_its_state_nor_another_s_name(database: Database) -> None:
    mine, theirs = add_organization(database, "mine"), add_organization(database, "theirs")
    with database.tenant_scope(mine) as session, pytest.raises(OrganizationNotFoundError):
        rename_organization(session, theirs, "Mine", DANA)
    for change in ("status = 'suspended'", "slug = 'other'", "suspended_at = now()"):
        with database.tenant_scope(mine) as session, pytest.raises(Exception, match="permission denied"):
            session.execute(text(f"UPDATE organizations SET {change}"))  # noqa: S608  # words of the test


def test_organizations_are_found_by_state_and_words_page_by_page(database: Database) -> None:
    ids = [add_organization(database, slug) for slug in ("harbor-one", "harbor-two", "percent")]
    with database.platform_scope() as session:
        suspend_organization(session, ids[1], "Why not.", DANA)
        assert [one.id for one in list_organizations(session, search="HARBOR", limit=1)] == ids[:1]
        assert [one.id for one in list_organizations(session, search="harbor", after=ids[0])] == ids[1:2]
        assert [one.id for one in list_organizations(session, status="suspended")] == ids[1:2]
        assert list_organizations(session, search="%") == []
    with database.tenant_scope(ids[2]) as session:
        assert [one.id for one in list_organizations(session)] == ids[2:]
