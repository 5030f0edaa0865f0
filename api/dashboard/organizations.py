"""Organizations on pages about what belongs to them: their names, and the field that narrows a list to one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from api.dashboard.filters import Field
from domain.tenancy.listing import list_organizations
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.access.requires import Access

OFFERED: Final = 200


class Names(dict[UUID, str]):
    """Names by id; one that is gone goes by its id."""

    def __missing__(self, org_id: UUID) -> str:
        return str(org_id)


def organization_names(session: Session, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Return the names of organizations, each found by its key."""
    rows = session.execute(select(Organization.id, Organization.name).where(Organization.id.in_(set(ids))))
    return Names(rows.all())


def organization_field(session: Session, access: Access, value: str) -> Sequence[Field]:
    """Return the field "org", for whoever sees more than one organization."""
    if access.organization is not None:
        return []
    names = [(str(one.id), one.name) for one in list_organizations(session, limit=OFFERED)]
    return [Field("org", "Organization", value, "select", [("", "Any"), *names])]
