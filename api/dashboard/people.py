"""People with access: found, invited, given roles and let in no more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.deliveries import client_names
from api.dashboard.filters import Field, Filters
from api.dashboard.flash import flash
from api.dashboard.giving import client_of, organization_of, places
from api.dashboard.invitations import waiting_table
from api.dashboard.organizations import organization_names
from api.dashboard.posted import Posted, texts
from api.dashboard.tables import Cell, Column, Link, State, Table, csv_response, wants_csv
from api.deps import DatabaseDep
from api.errors import ProblemError
from api.pages import page
from api.routes import users
from api.routes.roles import RolesDep
from api.schemas.changes import Because
from api.schemas.paging import After
from api.schemas.users import GrantDocument, InvitationDocument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.schemas.users import MembershipDocument, UserDocument
    from domain.access.roles.live import LiveRoles
    from domain.access.users import UserState
    from domain.kernel.database import Database

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("users.view")]
Changing = Annotated[Access, requires("users.change")]
Disabling = Annotated[Access, requires("users.disable")]
PATH: Final = "/dashboard/users"
_PAGE: Final = 50
_WAITING: Final = 10
"""So many invitations are shown below the people; the others have a page of their own."""
_COLUMNS: Final = (
    Column("person", "Person", "link"),
    Column("roles", "Roles"),
    Column("state", "State", "state"),
    Column("factor", "Second factor"),
    Column("seen", "Signed in last", "ago"),
)
_STATES: Final[Mapping[UserState, State]] = {
    "active": State("good", "active"),
    "invited": State("waiting", "invited"),
    "disabled": State("bad", "disabled"),
}


@router.get(PATH)
def people(request: Request, access: Viewing, database: DatabaseDep, roles: RolesDep, after: After = None) -> Response:
    """Show people with a role within reach, the oldest account first."""
    if wants_csv(request):
        return csv_response(request, "people", lambda place: _table(request, access, database, roles, place))
    query = request.query_params
    named = _named(roles)
    form = Filters(
        (
            Field("search", "Name or address", query.get("search", ""), "search", hint="A part of it"),
            Field("role", "Role", query.get("role", ""), "select", [("", "Any"), *named.items()]),
            Field("state", "State", query.get("state", ""), "select", [("", "Any"), *((one, one) for one in _STATES)]),
        )
    )
    waiting = waiting_table(request, access, database, roles, limit=_WAITING)
    return page(
        "people.html",
        request=request,
        people=_table(request, access, database, roles, after),
        waiting=replace(waiting, next_page=None) if waiting.rows and after is None else None,
        more_wait=waiting.next_page is not None,
        form=form,
        roles=named,
        places=places(access, "users.change"),
        may_invite=access.may("users.change"),
        organization=access.organization,
    )


@router.post(PATH)
def invite(request: Request, form: Posted, access: Changing, database: DatabaseDep) -> Response:
    """Invite somebody by their address."""
    sent = texts(form)
    org_id = organization_of(access, sent)
    try:
        wanted = InvitationDocument(
            email=sent.get("email", ""),
            role=sent.get("role", ""),
            name=sent.get("name", ""),
            org_id=org_id,
            client_id=client_of(sent),
        )
    except ValueError:
        raise ProblemError(422, "Give an e-mail address and one of the roles.") from None
    held = users.create(request, wanted, access, database)
    said = f"{held.email} has the role." if held.accepted else f"{held.email} is invited, and gets a letter."
    return _back(request, PATH, said)


@router.get(f"{PATH}/{{user_id}}")
def person(request: Request, user_id: UUID, access: Viewing, database: DatabaseDep, roles: RolesDep) -> Response:
    """Show a person with the roles within reach."""
    found = users.show(user_id, access, database)
    with database.platform_scope() as session:
        organizations = organization_names(session, {one.org_id for one in found.memberships})
        clients = client_names(session, {one.client_id for one in found.memberships if one.client_id is not None})
    named = _named(roles)
    return page(
        "person.html",
        request=request,
        person=found,
        state=_STATES[found.state],
        held=[(one, _said(one, named, organizations, clients)) for one in found.memberships],
        roles=named,
        places=places(access, "users.change"),
        may_change=access.may("users.change"),
        may_disable=access.may("users.disable"),
        sees_audit=access.may("audit.view"),
        organization=access.organization,
    )


@router.post(f"{PATH}/{{user_id}}/roles")
def give(request: Request, user_id: UUID, form: Posted, access: Changing, database: DatabaseDep) -> Response:
    """Give somebody one more role."""
    users.show(user_id, access, database)
    sent = texts(form)
    org_id = organization_of(access, sent)
    try:
        wanted = GrantDocument(role=sent.get("role", ""), org_id=org_id, client_id=client_of(sent))
    except ValueError:
        raise ProblemError(422, "Choose one of the roles.") from None
    held = users.give(request, user_id, wanted, access, database)
    return _back(request, f"{PATH}/{user_id}", "Given." if held.accepted else "Offered: it counts once they accept it.")


@router.post(f"{PATH}/{{user_id}}/roles/{{membership_id}}/take")
def take(request: Request, user_id: UUID, membership_id: UUID, access: Changing, database: DatabaseDep) -> Response:
    """Take a role from somebody; who had no other one is gone from the list."""
    users.take(request, user_id, membership_id, access, database)
    return _back(request, PATH, "Taken. What they have open is refused from their next click on.")


@router.post(f"{PATH}/{{user_id}}/send-reset")
def reset(request: Request, user_id: UUID, access: Changing, database: DatabaseDep) -> Response:
    """Write to somebody how to set a new password."""
    users.reset(request, user_id, access, database)
    return _back(request, f"{PATH}/{user_id}", "A letter is on its way. Only they can use it.")


@router.post(f"{PATH}/{{user_id}}/disable")
def disable(request: Request, user_id: UUID, form: Posted, access: Disabling, database: DatabaseDep) -> Response:
    """Let somebody in no more, anywhere."""
    users.show(user_id, access, database)
    try:
        why = Because(reason=texts(form).get("reason", ""))
    except ValueError:
        raise ProblemError(422, "Say why; the reason is kept in the audit log.") from None
    users.disable(request, user_id, why, access)
    return _back(request, f"{PATH}/{user_id}", "Disabled. Their sessions have ended.")


@router.post(f"{PATH}/{{user_id}}/enable")
def enable(request: Request, user_id: UUID, access: Disabling) -> Response:
    """Let somebody in again."""
    users.enable(user_id, access)
    return _back(request, f"{PATH}/{user_id}", "Enabled, with the roles and the password that they had.")


def _back(request: Request, path: str, said: str) -> Response:
    response = RedirectResponse(path, status_code=303)
    flash(request, response, said)
    return response


def _table(request: Request, access: Access, database: Database, roles: LiveRoles, after: str | None) -> Table:
    query = request.query_params
    state = next((one for one in _STATES if one == query.get("state")), None)
    search, role = query.get("search", "").strip()[:200] or None, query.get("role", "")[:63] or None
    found = users.list_(access, database, search=search, role=role, state=state, limit=_PAGE, after=after)
    named = _named(roles)
    return Table(
        _COLUMNS,
        [_row(one, named) for one in found.items],
        next_page=found.next,
        caption="People",
        csv=True,
        empty="Nobody fits. Take a part of the filter away, or invite somebody.",
        oldest_first=True,
    )


def _row(one: UserDocument, named: Mapping[str, str]) -> Sequence[Cell]:
    held = sorted(
        {named.get(role.role, role.role) + ("" if role.accepted else " (offered)") for role in one.memberships}
    )
    return (
        Link(one.name or one.email, f"{PATH}/{one.id}", one.email if one.name else ""),
        ", ".join(sorted(held)),
        _STATES[one.state],
        "yes" if one.second_factor else "no",
        one.last_sign_in_at,
    )


def _said(
    held: MembershipDocument, named: Mapping[str, str], organizations: Mapping[UUID, str], clients: Mapping[UUID, str]
) -> tuple[str, str]:
    """Return a role and where it counts, in words."""
    where = organizations[held.org_id]
    if held.client_id is not None:
        where = f"{clients.get(held.client_id, held.client_id)}, of {where}"
    return named.get(held.role, held.role), where


def _named(roles: LiveRoles) -> Mapping[str, str]:
    return {name: role.display_name for name, role in roles.roles.items()}
