"""Organizations as a person looks at them. In a platform scope, or in one organization's own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.kernel.ids import PLATFORM_ORG_ID
from domain.tenancy.models import Organization, OrganizationStatus
from domain.tenancy.resolve import OrganizationNotFoundError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def list_organizations(
    session: Session,
    *,
    status: OrganizationStatus | None = None,
    search: str | None = None,
    among: Collection[UUID] | None = None,
    limit: int = 50,
    after: UUID | None = None,
) -> Sequence[Organization]:
    """Return organizations of this scope, the oldest first; page on with the last id.

    `search`: within name or slug. `among`: these alone.
    """
    query = select(Organization).where(Organization.id != PLATFORM_ORG_ID).order_by(Organization.id).limit(limit)
    if status is not None:
        query = query.where(Organization.status == status)
    if among is not None:
        query = query.where(Organization.id.in_(among))
    if search:
        name, slug = Organization.name, Organization.slug
        query = query.where(name.icontains(search, autoescape=True) | slug.icontains(search, autoescape=True))
    if after is not None:
        query = query.where(Organization.id > after)
    return session.scalars(query).all()


def get_organization(session: Session, named: UUID | str) -> Organization:
    """Return an organization by its id or slug, never the platform's own. Raises OrganizationNotFoundError."""
    column = Organization.id if isinstance(named, UUID) else Organization.slug
    query = select(Organization).where(column == named, Organization.id != PLATFORM_ORG_ID)
    found = session.scalar(query)
    if found is None:
        raise OrganizationNotFoundError
    return found
