"""Which organization a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.kernel.errors import NotFoundError
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class OrganizationNotFoundError(NotFoundError):
    """There is no such organization."""


@dataclass(frozen=True, slots=True)
class ResolvedOrganization:
    """A tenant, and whether it is served."""

    id: UUID
    slug: str
    name: str
    is_active: bool


def find_organization(session: Session, named: UUID | str) -> ResolvedOrganization:
    """Return a tenant by its id or slug, never the platform's own. Needs a platform scope.

    Raises:
        OrganizationNotFoundError: there is none.

    """
    column = Organization.id if isinstance(named, UUID) else Organization.slug
    row = session.execute(
        select(Organization.id, Organization.slug, Organization.name, Organization.status).where(
            column == named, Organization.id != PLATFORM_ORG_ID
        )
    ).one_or_none()
    if row is None:
        raise OrganizationNotFoundError
    return ResolvedOrganization(row.id, row.slug, row.name, row.status == "active")
