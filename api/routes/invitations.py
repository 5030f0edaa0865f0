"""Invitations that nobody has answered, as those see them who manage people: what was typed, and no more."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request

from api.access.browser import now_of
from api.access.requires import Access, requires
from api.deps import DatabaseDep
from api.schemas.paging import After, Limit, Page, cursor, id_position
from api.schemas.users import InvitedDocument
from domain.access.consent import list_invitations
from domain.access.memberships import Giver, withdraw_invitation
from domain.access.within import Within

router = APIRouter(tags=["Users"])
Viewing = Annotated[Access, requires("users.view")]
Changing = Annotated[Access, requires("users.change")]


@router.get("/api/v1/invitations")
def list_(
    request: Request, access: Viewing, database: DatabaseDep, limit: Limit = 50, after: After = None
) -> Page[InvitedDocument]:
    """List invitations within reach that can still be accepted, the oldest first."""
    within, place = Within.reach(access.org_id, access.reach), id_position(after)
    with database.platform_scope() as session:
        found = list_invitations(session, within, now_of(request), limit=limit, after=place)
        items = [InvitedDocument.of(one) for one in found]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.delete("/api/v1/invitations/{membership_id}", status_code=204)
def withdraw(request: Request, membership_id: UUID, access: Changing, database: DatabaseDep) -> None:
    """Withdraw an invitation that nobody has accepted. 404 for one that was answered or has run out."""
    giver = Giver(access.actor, Within.reach(access.org_id, access.reach), access.principal)
    with database.platform_scope() as session:
        withdraw_invitation(session, request.app.state.roles, membership_id, giver)
