"""Give an organization another name."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.audit.record import Act, Actor, record
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.tenancy.models import Organization
from domain.tenancy.resolve import OrganizationNotFoundError
from domain.tenancy.words import fit_name

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def rename_organization(session: Session, org_id: UUID, name: str, actor: Actor) -> Organization:
    """Give an organization another name, on record; its slug stays. In a platform scope or its own.

    Raises OrganizationNotFoundError and UnfitNameError.
    """
    organization = locked_organization(session, org_id)
    before, after = organization.name, fit_name(name)
    if before != after:
        organization.name = after
        session.flush()
        session.refresh(organization)
        act = Act(
            "organization.changed",
            "organization",
            str(org_id),
            before={"name": before},
            after={"name": after},
            org_id=org_id,
        )
        record(session, actor, act)
    return organization


def locked_organization(session: Session, org_id: UUID) -> Organization:
    """Return an organization that nobody else changes until this transaction ends; its rows elsewhere are not held up.

    Raises OrganizationNotFoundError, also for the platform's own.
    """
    query = select(Organization).where(Organization.id == org_id, Organization.id != PLATFORM_ORG_ID)
    found = session.scalar(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    if found is None:
        raise OrganizationNotFoundError
    return found
