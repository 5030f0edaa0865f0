"""Which organization one's pages are about: chosen by whoever belongs to several, or is of the platform.

The choice is the session's and opens nothing: each request asks anew whether its organization is theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from api.access.organization import CHOOSE
from api.access.signed_in import Myself, signed_in
from api.deps import DatabaseDep
from api.pages import page
from api.routes.sign_in import HOME, FormNext, Next, local
from domain.access.authorize import reach
from domain.access.sessions import choose_organization
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.tenancy.listing import get_organization, list_organizations
from domain.tenancy.resolve import OrganizationNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from domain.kernel.database import Database
    from domain.tenancy.models import Organization

router = APIRouter(include_in_schema=False)
Me = Annotated[Myself, signed_in("which of one's own organizations the pages are about")]
Search = Annotated[str, Query(alias="q", max_length=200)]
_AT_ONCE: Final = 20
"""So many organizations are shown to the platform; a search narrows them."""
_NOT_YOURS: Final = "You have no access to that organization. Choose one of these."


@router.get(CHOOSE)
def ask(request: Request, me: Me, database: DatabaseDep, wanted: Next = HOME, search: Search = "") -> Response:
    """Show the organizations that can be chosen; to the platform, those that match a search."""
    return _ask(request, me, database, wanted, search=search)


@router.post(CHOOSE)
def choose(
    request: Request,
    me: Me,
    database: DatabaseDep,
    wanted: FormNext = HOME,
    chosen: Annotated[str, Form(alias="organization", max_length=64)] = "",
) -> Response:
    """Choose one, or with nothing all of them, which only the platform can; go on to where the visitor wanted to."""
    try:
        org_id = UUID(chosen) if chosen else None
    except ValueError:
        return _ask(request, me, database, wanted, problem=_NOT_YOURS)
    with database.platform_scope() as session:
        may = _may_choose(session, request, me, org_id)
        if may:
            choose_organization(session, me.browser.session.token_hash, org_id)
    if not may:
        return _ask(request, me, database, wanted, problem=_NOT_YOURS)
    return RedirectResponse(local(wanted), status_code=303)


def _may_choose(session: Session, request: Request, me: Myself, org_id: UUID | None) -> bool:
    if org_id is None:
        return _sees_all(request, me)
    if org_id not in _theirs(me) and not _sees_all(request, me):
        return False
    try:
        get_organization(session, org_id)
    except OrganizationNotFoundError:
        return False
    return True


def _ask(
    request: Request, me: Myself, database: Database, wanted: str, *, search: str = "", problem: str = ""
) -> Response:
    sees_all = _sees_all(request, me)
    with database.platform_scope() as session:
        found = _found(session, me, search.strip(), sees_all=sees_all)
    return page(
        "account_organization.html",
        422 if problem else 200,
        request=request,
        organizations=found[:_AT_ONCE] if sees_all else found,
        more=sees_all and len(found) > _AT_ONCE,
        sees_all=sees_all,
        search=search.strip(),
        chosen=me.browser.session.chosen_org_id,
        next=local(wanted),
        problem=problem,
    )


def _found(session: Session, me: Myself, search: str, *, sees_all: bool) -> Sequence[Organization]:
    """Return what is offered; to the platform one more than is shown, when there are more."""
    if sees_all:
        return list_organizations(session, search=search or None, limit=_AT_ONCE + 1)
    return list_organizations(session, among=_theirs(me), limit=len(_theirs(me)))


def _theirs(me: Myself) -> frozenset[UUID]:
    return frozenset(grant.org_id for grant in me.browser.holder.grants) - {PLATFORM_ORG_ID}


def _sees_all(request: Request, me: Myself) -> bool:
    """Whether they may look at every organization."""
    within = reach(request.app.state.roles, me.browser.holder, "organizations.view", None)
    return within is not None and within.everywhere
