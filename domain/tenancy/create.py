"""Take an organization on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError

from domain.audit.record import Act, Actor, record
from domain.kernel.ids import new_id
from domain.tenancy.errors import SlugTakenError
from domain.tenancy.models import Organization
from domain.tenancy.slugs import check_organization_slug
from domain.tenancy.words import fit_name

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def create_organization(session: Session, *, slug: str, name: str, actor: Actor) -> Organization:
    """Create an active organization, on record. In a platform scope.

    Raises UnfitSlugError, UnfitNameError, and SlugTakenError, which leaves the transaction usable.
    """
    organization = Organization(id=new_id(), slug=check_organization_slug(slug), name=fit_name(name))
    try:
        with session.begin_nested():
            session.add(organization)
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise SlugTakenError from None
        raise
    session.refresh(organization)
    after = {"slug": organization.slug, "name": organization.name}
    act = Act("organization.created", "organization", str(organization.id), after=after, org_id=organization.id)
    record(session, actor, act)
    return organization
