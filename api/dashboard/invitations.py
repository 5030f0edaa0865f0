"""Invitations that nobody has answered: who waits for what, by whose word, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.deliveries import client_names
from api.dashboard.flash import flash
from api.dashboard.organizations import organization_names
from api.dashboard.tables import Button, Cell, Column, State, Table
from api.deps import DatabaseDep
from api.pages import page
from api.routes import invitations
from api.routes.roles import RolesDep
from api.schemas.paging import After

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.schemas.users import InvitedDocument
    from domain.access.roles.live import LiveRoles
    from domain.kernel.database import Database

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("users.view")]
Changing = Annotated[Access, requires("users.change")]
PATH: Final = "/dashboard/users/waiting"
_PAGE: Final = 50
_COLUMNS: Final = (
    Column("address", "Address", "state"),
    Column("role", "Role"),
    Column("place", "For"),
    Column("invited", "Invited", "ago"),
    Column("by", "By"),
    Column("expires", "Runs out", "time"),
    Column("withdraw", "Change"),
)


@router.get(PATH)
def waiting(request: Request, access: Viewing, database: DatabaseDep, roles: RolesDep, after: After = None) -> Response:
    """Show the invitations within reach that can still be accepted, the oldest first."""
    table = waiting_table(request, access, database, roles, limit=_PAGE, after=after)
    return page("waiting.html", request=request, waiting=table)


@router.post("/dashboard/users/invitations/{membership_id}/withdraw")
def withdraw(request: Request, membership_id: UUID, access: Changing, database: DatabaseDep) -> Response:
    """Take an invitation back: whoever it was sent to can accept it no more."""
    invitations.withdraw(request, membership_id, access, database)
    response = RedirectResponse(PATH, status_code=303)
    flash(request, response, "Withdrawn. The letter gives them nothing any more.")
    return response


def waiting_table(
    request: Request, access: Access, database: Database, roles: LiveRoles, *, limit: int, after: str | None = None
) -> Table:
    """Return a page of them. They say what was typed, and nothing of whoever has that address."""
    found = invitations.list_(request, access, database, limit=limit, after=after)
    with database.platform_scope() as session:
        organizations = organization_names(session, {one.org_id for one in found.items})
        clients = client_names(session, {one.client_id for one in found.items if one.client_id is not None})
    may_withdraw = access.may("users.change")
    columns = _COLUMNS if may_withdraw else _COLUMNS[:-1]

    def row(one: InvitedDocument) -> list[Cell]:
        role = roles.roles.get(one.role)
        cells: list[Cell] = [
            State("waiting", one.email),
            role.display_name if role else one.role,
            _place(one, organizations, clients),
            one.invited_at,
            one.invited_by,
            one.expires_at,
        ]
        path = f"/dashboard/users/invitations/{one.id}/withdraw"
        return [*cells, Button("Withdraw", path, about=one.email, danger=True)] if may_withdraw else cells

    return Table(
        columns,
        [row(one) for one in found.items],
        next_page=found.next,
        caption="Invitations that wait",
        empty="Nobody is invited at present, or everybody has answered.",
        oldest_first=True,
    )


def _place(one: InvitedDocument, organizations: Mapping[UUID, str], clients: Mapping[UUID, str]) -> str:
    whole = organizations[one.org_id]
    return whole if one.client_id is None else f"{clients.get(one.client_id, one.client_id)}, of {whole}"
