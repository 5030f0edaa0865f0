"""What one is invited to: seen, accepted and declined by oneself alone. Until then it opens nothing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import RedirectResponse, Response

from api.access.browser import now_of
from api.access.signed_in import Myself, signed_in
from api.deps import DatabaseDep
from api.routes.account import MyId
from api.schemas.users import MembershipDocument
from domain.access.consent import InvitationClosedError, accept_offer, decline_offer, offers_to

if TYPE_CHECKING:
    from domain.access.roles.book import Hubs

router = APIRouter(tags=["Account"])
Me = Annotated[Myself, signed_in("whether to accept an invitation is its person's to say")]


class OfferDocument(BaseModel):
    """A place and a role that you are invited to, and until when you can accept."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    place: str
    role: str
    until: datetime


class OffersDocument(BaseModel):
    """All that you are invited to, the oldest first."""

    items: list[OfferDocument]


@router.get("/api/v1/account/invitations")
def invitations(request: Request, user_id: MyId, database: DatabaseDep) -> OffersDocument:
    """List what one is invited to and has not answered."""
    book: Hubs = request.app.state.roles
    with database.platform_scope() as session:
        offers = offers_to(session, book, user_id, now_of(request))
    return OffersDocument(items=[OfferDocument.model_validate(one) for one in offers])


@router.post("/api/v1/account/invitations/{invitation_id}/accept")
def accept(request: Request, invitation_id: UUID, user_id: MyId, me: Me, database: DatabaseDep) -> MembershipDocument:
    """Accept an invitation: the role counts from the next request on. 404 for one that is not open any more."""
    with database.platform_scope() as session:
        held = accept_offer(session, user_id, invitation_id, now_of(request), me.actor)
        return MembershipDocument.of(held)


@router.post("/api/v1/account/invitations/{invitation_id}/decline", status_code=204)
def decline(request: Request, invitation_id: UUID, user_id: MyId, database: DatabaseDep) -> Response:
    """Decline an invitation. Whoever sent it learns that, and nothing else about you."""
    with database.platform_scope() as session:
        decline_offer(session, user_id, invitation_id, now_of(request))
    return Response(status_code=204)


@router.post("/account/invitations/{invitation_id}/accept", include_in_schema=False)
def accept_from_page(request: Request, invitation_id: UUID, user_id: MyId, me: Me, database: DatabaseDep) -> Response:
    """Do the same from the page of one's account."""
    try:
        with database.platform_scope() as session:
            accept_offer(session, user_id, invitation_id, now_of(request), me.actor)
    except InvitationClosedError:
        return _back("closed")
    return _back("accepted")


@router.post("/account/invitations/{invitation_id}/decline", include_in_schema=False)
def decline_from_page(request: Request, invitation_id: UUID, user_id: MyId, database: DatabaseDep) -> Response:
    """Do the same from the page of one's account."""
    try:
        with database.platform_scope() as session:
            decline_offer(session, user_id, invitation_id, now_of(request))
    except InvitationClosedError:
        return _back("closed")
    return _back("declined")


def _back(done: str) -> Response:
    return RedirectResponse(f"/account?done={done}", status_code=303)
