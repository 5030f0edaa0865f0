"""Stop serving an organization, and serve it again.

While one is suspended its people, keys and pages are refused and the gate blocks everything that would leave, both from
the commit on. What arrives is still accepted and kept. Sessions are not ended: a person may belong to several
organizations, and to this one again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func

from domain.audit.record import Act, Actor, record
from domain.kernel.reasons import fit_reason
from domain.tenancy.change import locked_organization
from domain.tenancy.errors import StandingError
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def suspend_organization(session: Session, org_id: UUID, reason: str, actor: Actor) -> Organization:
    """Suspend an organization, on record. In a platform scope.

    Raises OrganizationNotFoundError, ReasonMissingError, and StandingError when it is suspended already.
    """
    reason = fit_reason(reason)
    organization = locked_organization(session, org_id)
    if organization.status == "suspended":
        raise StandingError(f"It is suspended already: {organization.suspended_reason or 'no reason was given'}")
    organization.status = "suspended"
    organization.suspended_reason = reason
    organization.suspended_at = func.clock_timestamp()
    return _done(session, organization, "organization.suspended", reason, actor)


def restore_organization(session: Session, org_id: UUID, reason: str, actor: Actor) -> Organization:
    """Serve a suspended organization again, on record; what was blocked meanwhile stays blocked. In a platform scope.

    Raises OrganizationNotFoundError, ReasonMissingError, and StandingError when it is not suspended.
    """
    reason = fit_reason(reason)
    organization = locked_organization(session, org_id)
    if organization.status == "active":
        raise StandingError("It is not suspended.")
    organization.status = "active"
    organization.suspended_reason = organization.suspended_at = None
    return _done(session, organization, "organization.restored", reason, actor)


def _done(session: Session, organization: Organization, action: str, reason: str, actor: Actor) -> Organization:
    session.flush()
    session.refresh(organization)
    after = {"status": organization.status}
    act = Act(action, "organization", str(organization.id), reason, after=after, org_id=organization.id)
    record(session, actor, act)
    return organization
