"""Permissions, roles and who one is, as the administration API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel

from domain.access.authorize import Permission, Scope
from domain.access.principal import Kind
from domain.access.roles.documents import NavigationItem, Theme, Widget

if TYPE_CHECKING:
    from domain.access.principal import Principal
    from domain.access.roles.hub import Hub
    from domain.access.roles.role import Role
    from domain.tenancy.resolve import ResolvedOrganization


class PermissionDocument(BaseModel):
    """One thing that can be allowed, and how far it can go.

    `changes`: more than looking; `destructive`: refused on a demo; `personal`: everybody's, about themselves alone.
    """

    name: str
    about: str
    scopes: list[Scope]
    changes: bool
    destructive: bool
    personal: bool


class PermissionsDocument(BaseModel):
    """Everything that can be allowed."""

    items: list[PermissionDocument]


class RoleSummary(BaseModel):
    """A role in a line. `overridden`: the organization changed something of it."""

    role: str
    version: int
    display_name: str
    about: str
    icon: str
    overridden: bool


class RolesDocument(BaseModel):
    """The roles that can be given."""

    items: list[RoleSummary]


class RoleDocument(RoleSummary):
    """A role as it is in force in the organization: what it allows and how far, and how its pages look."""

    inherits: list[str]
    theme: Theme
    permissions: dict[str, Scope]
    navigation: list[NavigationItem]
    widgets: list[Widget]
    features: dict[str, bool]
    caching: dict[str, int]


class MyOrganization(BaseModel):
    """The organization that the request is about."""

    id: UUID
    slug: str


class MyRole(BaseModel):
    """A role that one was given, in an organization or for one client of it."""

    role: str
    org_id: UUID
    client_id: UUID | None


class MyPermission(BaseModel):
    """How far a permission goes here, and for which clients; null stands for all of them."""

    scope: Scope
    clients: list[UUID] | None


class Me(BaseModel):
    """Who asks, what they were given, and what the pages of the organization show them.

    `read_only`: nothing may be changed, as while viewing as somebody else.
    """

    kind: Kind
    name: str
    read_only: bool
    roles: list[MyRole]
    organization: MyOrganization | None
    permissions: dict[str, MyPermission]
    icon: str | None
    theme: Theme | None
    navigation: list[NavigationItem]
    widgets: list[Widget]
    features: dict[str, bool]


def permission_document(permission: Permission) -> PermissionDocument:
    """Return a permission as it is shown."""
    return PermissionDocument(
        name=permission.name,
        about=permission.about,
        scopes=[scope for scope in Scope if scope in permission.scopes],
        changes=permission.changes,
        destructive=permission.destructive,
        personal=permission.personal,
    )


def role_summary(role: Role, *, overridden: bool) -> RoleSummary:
    """Return a role in a line."""
    return RoleSummary(
        role=role.name,
        version=role.version,
        display_name=role.display_name,
        about=role.about,
        icon=role.icon,
        overridden=overridden,
    )


def role_document(role: Role, *, overridden: bool) -> RoleDocument:
    """Return a role in full."""
    return RoleDocument(
        **role_summary(role, overridden=overridden).model_dump(),
        inherits=list(role.inherits),
        theme=role.theme,
        permissions=dict(role.scopes),
        navigation=list(role.navigation),
        widgets=list(role.widgets),
        features=dict(role.features),
        caching=dict(role.caching),
    )


def me_document(principal: Principal, organization: ResolvedOrganization | None, hub: Hub) -> Me:
    """Return who asks."""
    return Me(
        kind=principal.kind,
        name=principal.name,
        read_only=principal.read_only,
        roles=[MyRole(role=one.role, org_id=one.org_id, client_id=one.client_id) for one in principal.grants],
        organization=MyOrganization(id=organization.id, slug=organization.slug) if organization else None,
        permissions={
            one.permission: MyPermission(scope=one.scope, clients=None if one.clients is None else sorted(one.clients))
            for one in hub.allowed
        },
        icon=hub.icon,
        theme=hub.theme,
        navigation=list(hub.navigation),
        widgets=list(hub.widgets),
        features=dict(hub.features),
    )
