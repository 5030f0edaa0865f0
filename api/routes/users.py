"""People: who has access to what. Who manages a client or an organization sees and touches its people's roles alone.

An account is its person's and the platform's: no organization changes or disables one, nor learns whether an address
that it invites has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from api.access.browser import now_of
from api.access.requires import Access, requires
from api.deps import DatabaseDep
from api.errors import ProblemError
from api.schemas.changes import Because
from api.schemas.paging import After, Limit, Page, cursor, id_position
from api.schemas.users import GrantDocument, InvitationDocument, InvitedDocument, MembershipDocument, UserDocument
from domain.access.invitations import Invitation, invite, send_offer
from domain.access.letters_wanted import want_letter
from domain.access.memberships import Giver, give_role, memberships_of, take_role
from domain.access.people import find_address
from domain.access.principal import Grant
from domain.access.users import UserFilter, UserState, disable_user, enable_user, list_users, show_user
from domain.access.within import Within, place_name
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from api.edge.quotas import Quotas
    from domain.access.roles.book import Hubs

router = APIRouter(tags=["Users"])
Viewing = Annotated[Access, requires("users.view")]
Changing = Annotated[Access, requires("users.change")]
Disabling = Annotated[Access, requires("users.disable")]


@router.get("/api/v1/users")
def list_(
    access: Viewing,
    database: DatabaseDep,
    search: Annotated[str | None, Query(max_length=200, description="Part of the name or the address.")] = None,
    role: Annotated[str | None, Query(max_length=63)] = None,
    state: UserState | None = None,
    client_id: UUID | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[UserDocument]:
    """List people with a role within reach, the oldest account first. Roles elsewhere are not shown."""
    which, place = UserFilter(search, role, state, client_id), id_position(after)
    with database.platform_scope() as session:
        found = list_users(session, which, _within(access), limit=limit, after=place)
    items = [UserDocument.of(one) for one in found]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.post("/api/v1/users", status_code=201)
def create(request: Request, new: InvitationDocument, access: Changing, database: DatabaseDep) -> InvitedDocument:
    """Invite somebody to a role by their address, and write to them; without an account they get a link to make one.

    It counts when they accept, and at once for who belongs to the organization already. Nobody gives what goes further
    than their own roles (403). Inviting again renews the invitation and sends a new letter, a few times an hour.
    """
    _quotas(request).count_letter_to(request, access.principal, _sender(access), new.email)
    wanted = Invitation(new.email, _grant(new, access), new.name, new.reports_to)
    with database.platform_scope() as session:
        held = invite(session, _book(request), wanted, _giver(access), now_of(request))
        return InvitedDocument.of(held, find_address(new.email))


@router.get("/api/v1/users/{user_id}")
def show(user_id: UUID, access: Viewing, database: DatabaseDep) -> UserDocument:
    """Show a person with the roles within reach."""
    with database.platform_scope() as session:
        return UserDocument.of(show_user(session, user_id, _within(access)))


@router.post("/api/v1/users/{user_id}/disable")
def disable(request: Request, user_id: UUID, why: Because, access: Disabling) -> UserDocument:
    """Let somebody in no more, anywhere: their sessions end at once. 409 for the platform's last administrator."""
    with access.platform() as session:
        show_user(session, user_id, _within(access))
        disable_user(session, _book(request), user_id, why.reason, access.actor, now_of(request))
        return UserDocument.of(show_user(session, user_id, _within(access)))


@router.post("/api/v1/users/{user_id}/enable")
def enable(user_id: UUID, access: Disabling) -> UserDocument:
    """Let somebody in again, with the roles and the password that they had."""
    with access.platform() as session:
        show_user(session, user_id, _within(access))
        enable_user(session, user_id, access.actor)
        return UserDocument.of(show_user(session, user_id, _within(access)))


@router.post("/api/v1/users/{user_id}/send-reset", status_code=202)
def reset(request: Request, user_id: UUID, access: Changing, database: DatabaseDep) -> UserDocument:
    """Write to somebody how to set a new password; to who has none yet, with a link to make one.

    Only they can use the letter, and their second factor stays. A disabled account gets none; 409 says so to the
    platform.
    """
    _quotas(request).count_letter_to(request, access.principal, _sender(access), str(user_id))
    with database.platform_scope() as session:
        listed = show_user(session, user_id, _within(access))
        if listed.state == "disabled":
            raise ProblemError(409, "This person's account is disabled. Enable it first.")
        held = listed.memberships
        place = place_name(session, Grant(held[0].role, held[0].org_id)) if held else ""
        want_letter(session, listed.user, place, access.actor)
        return UserDocument.of(listed)


@router.get("/api/v1/users/{user_id}/memberships")
def memberships(user_id: UUID, access: Viewing, database: DatabaseDep) -> list[MembershipDocument]:
    """List the roles of a person within reach, the oldest first."""
    with database.platform_scope() as session:
        show_user(session, user_id, _within(access))
        held = memberships_of(session, [user_id], _within(access))
        return [MembershipDocument.of(one) for one in held]


@router.post("/api/v1/users/{user_id}/memberships", status_code=201)
def give(
    request: Request, user_id: UUID, new: GrantDocument, access: Changing, database: DatabaseDep
) -> MembershipDocument:
    """Give a role to somebody who has one within reach already; others are invited by their address.

    One that they have stays, and `reports_to` becomes what is said here. In an organization to which they don't belong
    yet they are invited to it. 403 for what goes further than your own roles.
    """
    book, now = _book(request), now_of(request)
    with database.platform_scope() as session:
        show_user(session, user_id, _within(access))
        grant, giver = _grant(new, access), _giver(access)
        held = give_role(session, book, user_id, grant, giver, now, reports_to=new.reports_to)
        if held.accepted_at is None:
            send_offer(session, book, held)
        return MembershipDocument.of(held)


@router.delete("/api/v1/users/{user_id}/memberships/{membership_id}", status_code=204)
def take(request: Request, user_id: UUID, membership_id: UUID, access: Changing, database: DatabaseDep) -> None:
    """Take a role from somebody; it is refused from their next request on. 409 for the last administrator's."""
    with database.platform_scope() as session:
        take_role(session, _book(request), user_id, membership_id, _giver(access))


def _within(access: Access) -> Within:
    return Within.reach(access.org_id, access.reach)


def _giver(access: Access) -> Giver:
    return Giver(access.actor, _within(access), access.principal)


def _sender(access: Access) -> UUID:
    """Return for whom letters are written: what an organization may send, the platform's people don't use up."""
    return PLATFORM_ORG_ID if access.org_id is None or access.reach.everywhere else access.org_id


def _quotas(request: Request) -> Quotas:
    quotas: Quotas = request.app.state.quotas
    return quotas


def _grant(new: GrantDocument, access: Access) -> Grant:
    org_id = new.org_id or access.org_id
    if org_id is None:
        raise ProblemError(422, "Say in which organization: `org_id`, or the header X-Org-Id.")
    return Grant(new.role, org_id, new.client_id)


def _book(request: Request) -> Hubs:
    book: Hubs = request.app.state.roles
    return book
