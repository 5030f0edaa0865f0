"""People with accounts, for tests about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select, text

from config.places import CONFIG
from domain.access.memberships import Giver, give_role
from domain.access.passwords import hash_password
from domain.access.principal import Grant
from domain.access.roles.book import read_roles
from domain.access.users import create_user
from domain.audit.models import AuditLog
from domain.audit.record import Actor
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from providers.sealing import FernetSealer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.kernel.database import Database

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD: Final = "copper lantern under the bridge"
OTHER_PASSWORD: Final = "seven quiet herons wading"
SEALER: Final = FernetSealer("a secret key of tests that is long enough")
OPERATOR: Final = Actor("root", "operator")
VISITOR: Final = Actor("visitor", "none", ip="192.0.2.7")
BOOK: Final = read_roles(CONFIG)
PLATFORM_ADMIN: Final = Grant("super_admin", PLATFORM_ORG_ID)
_KEPT: Final = hash_password(PASSWORD)


@dataclass(frozen=True, slots=True)
class Place:
    """An organization with two clients."""

    org_id: UUID
    client_id: UUID
    other_client_id: UUID


def make_place(database: Database) -> Place:
    """Make an organization with two clients."""
    place = Place(new_id(), new_id(), new_id())
    with database.platform_scope() as session:
        session.execute(
            text("INSERT INTO organizations (id, slug, name) VALUES (:id, :slug, 'Acme')"),
            {"id": place.org_id, "slug": f"o{place.org_id.hex[-20:]}"},
        )
        for client_id in (place.client_id, place.other_client_id):
            session.execute(
                text("INSERT INTO clients (id, org_id, slug, name) VALUES (:id, :org, :slug, 'A client')"),
                {"id": client_id, "org": place.org_id, "slug": f"c{client_id.hex[-20:]}"},
            )
    return place


def make_user(database: Database, email: str = "ada@example.com", *grants: Grant, name: str = "Ada") -> UUID:
    """Make an account that signs in with PASSWORD, and give it roles."""
    with database.platform_scope() as session:
        user = create_user(session, email, name, _KEPT, OPERATOR, NOW)
        for grant in grants:
            give_role(session, BOOK, user.id, grant, Giver(OPERATOR), NOW)
    return user.id


def acts(database: Database, action: str) -> Sequence[AuditLog]:
    """Return what was recorded of an action, the oldest first."""
    with database.platform_scope() as session:
        return session.scalars(select(AuditLog).where(AuditLog.action == action).order_by(AuditLog.id)).all()
