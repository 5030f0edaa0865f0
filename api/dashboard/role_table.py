"""What each role may do, and how far: as it is in force in the organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access.requires import Access, requires
from api.pages import page
from api.routes.roles import RolesDep
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from domain.access.roles.role import Role

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("roles.view")]
PATH: Final = "/dashboard/roles"


@router.get(PATH)
def roles(request: Request, access: Viewing, roles: RolesDep) -> Response:
    """Show a line for each permission and a column for each role, the one that allows most first."""
    org_id = PLATFORM_ORG_ID if access.org_id is None else access.org_id
    found = [role for name in roles.roles if (role := roles.effective(name, org_id)) is not None]
    columns = sorted(found, key=lambda role: (-len(role.scopes), role.name))
    groups: dict[str, list[tuple[str, str, bool, list[str]]]] = {}
    for name, permission in roles.permissions.items():
        cells = [_scope(role, name, personal=permission.personal) for role in columns]
        group, _, verb = name.partition(".")
        groups.setdefault(group.replace("_", " "), []).append((verb, permission.about, permission.changes, cells))
    return page("roles.html", request=request, columns=columns, groups=groups)


def _scope(role: Role, permission: str, *, personal: bool) -> str:
    scope = role.scopes.get(permission)
    if scope is not None:
        return str(scope)
    return "own" if personal else ""
