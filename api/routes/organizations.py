"""Organizations: looked at and renamed by their own people, taken on, suspended and restored by the platform's."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.access.requires import Access, requires
from api.schemas.changes import Because
from api.schemas.organizations import NewOrganizationDocument, OrganizationChanges, OrganizationDocument
from api.schemas.paging import After, Limit, Page, cursor, id_position
from domain.tenancy.change import rename_organization
from domain.tenancy.create import create_organization
from domain.tenancy.listing import get_organization, list_organizations
from domain.tenancy.models import OrganizationStatus
from domain.tenancy.suspend import restore_organization, suspend_organization

router = APIRouter(tags=["Organizations"])
Viewing = Annotated[Access, requires("organizations.view")]
Creating = Annotated[Access, requires("organizations.create")]
Changing = Annotated[Access, requires("organizations.change")]
Suspending = Annotated[Access, requires("organizations.suspend")]


@router.get("/api/v1/organizations")
def list_(
    access: Viewing,
    status: OrganizationStatus | None = None,
    search: Annotated[str | None, Query(max_length=200, description="Part of the name or the slug.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[OrganizationDocument]:
    """List the organizations within reach, the oldest first."""
    place = id_position(after)
    with access.scope() as session:
        found = list_organizations(session, status=status, search=search, limit=limit, after=place)
        items = [OrganizationDocument.model_validate(one) for one in found]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.post("/api/v1/organizations", status_code=201)
def create(new: NewOrganizationDocument, access: Creating) -> OrganizationDocument:
    """Take an organization on. 409 when its slug is another's."""
    with access.platform() as session:
        created = create_organization(session, slug=new.slug, name=new.name, actor=access.actor)
        return OrganizationDocument.model_validate(created)


@router.get("/api/v1/organizations/{org_id}")
def show(org_id: UUID, access: Viewing) -> OrganizationDocument:
    """Show an organization."""
    with access.scope_of(org_id) as session:
        return OrganizationDocument.model_validate(get_organization(session, org_id))


@router.patch("/api/v1/organizations/{org_id}")
def change(org_id: UUID, changes: OrganizationChanges, access: Changing) -> OrganizationDocument:
    """Give an organization another name."""
    with access.scope_of(org_id) as session:
        return OrganizationDocument.model_validate(rename_organization(session, org_id, changes.name, access.actor))


@router.post("/api/v1/organizations/{org_id}/suspend")
def suspend(org_id: UUID, why: Because, access: Suspending) -> OrganizationDocument:
    """Stop serving an organization at once: its people and keys are refused and nothing is sent. 409 if it is already.

    What arrives meanwhile is kept. Sessions are not ended, and serve again when the organization is restored.
    """
    with access.platform() as session:
        return OrganizationDocument.model_validate(suspend_organization(session, org_id, why.reason, access.actor))


@router.post("/api/v1/organizations/{org_id}/restore")
def restore(org_id: UUID, why: Because, access: Suspending) -> OrganizationDocument:
    """Serve a suspended organization again; what was blocked meanwhile is not sent later. 409 if it is active."""
    with access.platform() as session:
        return OrganizationDocument.model_validate(restore_organization(session, org_id, why.reason, access.actor))
