"""What can be allowed, which roles allow it, what an organization changes of them, and who one is."""

from __future__ import annotations

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from api.access.requires import Access, requires
from api.errors import ProblemError
from api.schemas import roles as schemas
from domain.access.roles.documents import NAME, OverrideDocument
from domain.access.roles.errors import UnknownRoleError
from domain.access.roles.hub import hub_of
from domain.access.roles.live import LiveRoles
from domain.access.roles.overrides import Giver, remove_override, set_override
from domain.access.roles.role import Role
from domain.kernel.ids import PLATFORM_ORG_ID

router = APIRouter(tags=["Roles"])


def roles_of(request: Request) -> LiveRoles:
    """Return the roles in force in this process."""
    return cast("LiveRoles", request.app.state.roles)


RolesDep = Annotated[LiveRoles, Depends(roles_of)]
RoleName = Annotated[str, Path(pattern=NAME, description="The role's name, such as workspace_viewer.")]
Reason = Annotated[str | None, Query(max_length=500, description="Why, for the audit log.")]


@router.get("/api/v1/permissions", dependencies=[requires("roles.view")])
def permissions(roles: RolesDep) -> schemas.PermissionsDocument:
    """Return everything that can be allowed, and how far each can go."""
    return schemas.PermissionsDocument(
        items=[schemas.permission_document(permission) for permission in roles.permissions.values()]
    )


@router.get("/api/v1/roles")
def list_roles(access: Annotated[Access, requires("roles.view")], roles: RolesDep) -> schemas.RolesDocument:
    """Return the roles that can be given, as they are in the organization."""
    return schemas.RolesDocument(
        items=[
            schemas.role_summary(role, overridden=overridden)
            for name in roles.roles
            for role, overridden in [_found(roles, name, access)]
        ]
    )


@router.get("/api/v1/roles/{role}")
def show_role(
    role: RoleName, access: Annotated[Access, requires("roles.view")], roles: RolesDep
) -> schemas.RoleDocument:
    """Return a role as it is in force in the organization, with all that it inherits."""
    found, overridden = _found(roles, role, access)
    return schemas.role_document(found, overridden=overridden)


@router.put("/api/v1/roles/{role}/override")
def override_role(
    role: RoleName,
    document: OverrideDocument,
    access: Annotated[Access, requires("roles.override")],
    roles: RolesDep,
    because: Reason = None,
) -> schemas.RoleDocument:
    """Narrow a role for the organization, or change how its pages look; in place of what was changed before.

    A permission can be taken away (null) or go less far; none can be added or go farther. 422 says what is wrong. What
    was taken away is given back only by somebody who has it (403).
    """
    org_id, giver = _organization(access), Giver(access.principal, roles)
    with access.scope() as session:
        set_override(session, roles.current, role, document, access.actor, org_id=org_id, giver=giver, reason=because)
    roles.refresh(org_id)
    found, overridden = _found(roles, role, access)
    return schemas.role_document(found, overridden=overridden)


@router.delete("/api/v1/roles/{role}/override", status_code=204, response_class=Response)
def restore_role(
    role: RoleName, access: Annotated[Access, requires("roles.override")], roles: RolesDep, because: Reason = None
) -> Response:
    """Take back all that the organization changed of a role. 404 when that is nothing.

    What was taken from the role is given back only by somebody who has it (403).
    """
    org_id, giver = _organization(access), Giver(access.principal, roles)
    with access.scope() as session:
        remove_override(session, roles.current, role, access.actor, org_id=org_id, giver=giver, reason=because)
    roles.refresh(org_id)
    return Response(status_code=204)


@router.get("/api/v1/me")
def me(access: Annotated[Access, requires("account.view")], roles: RolesDep) -> schemas.Me:
    """Return who asks, what they may do in the organization and how far, and what its pages show them."""
    return schemas.me_document(access.principal, access.organization, hub_of(roles, access.principal, access.org_id))


def _found(roles: LiveRoles, name: str, access: Access) -> tuple[Role, bool]:
    """Return a role as it is in the organization, and whether that differs from its file. Raises UnknownRoleError."""
    of_file = roles.roles.get(name)
    found = roles.effective(name, PLATFORM_ORG_ID if access.org_id is None else access.org_id)
    if found is None or of_file is None:
        raise UnknownRoleError(f"There is no role {name}.")
    return found, found != of_file


def _organization(access: Access) -> UUID:
    if access.org_id is None:
        raise ProblemError(422, "Say whose role it is: name the organization in X-Org-Id.", kind="organization")
    return access.org_id
