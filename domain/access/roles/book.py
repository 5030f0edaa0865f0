"""The roles of this installation as their files say, read and checked at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from domain.access.authorize import Permission, RoleBook, Scope
from domain.access.roles.files import RoleFiles
from domain.access.roles.inherit import inherit

if TYPE_CHECKING:
    from uuid import UUID

    from domain.access.roles.role import Role


class Hubs(RoleBook, Protocol):
    """A `RoleBook` that knows how the pages of its roles look."""

    @property
    def roles(self) -> Mapping[str, Role]:
        """The roles that can be given, by name, as their files say."""

    def effective(self, role: str, org_id: UUID) -> Role | None:
        """Return a role as an organization has it, None when there is none that can be given."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What the files say; a `Hubs`."""

    permissions: Mapping[str, Permission]
    roles: Mapping[str, Role]
    """Those that can be given, by name."""
    abstract: Mapping[str, Role]
    """Those that can only be inherited, by name."""

    @property
    def scopes(self) -> Mapping[str, Mapping[str, Scope]]:
        """What each role allows."""
        return {name: role.scopes for name, role in self.roles.items()}

    def scope_of(self, role: str, permission: str, org_id: UUID) -> Scope | None:  # noqa: ARG002 - of the protocol
        """Return how far a role's permission goes."""
        found = self.roles.get(role)
        return None if found is None else found.scopes.get(permission)

    def effective(self, role: str, org_id: UUID) -> Role | None:  # noqa: ARG002 - as above
        """Return a role, None when there is none that can be given."""
        return self.roles.get(role)


def read_roles(directory: Path, more: Path | None = None) -> Roles:
    """Return the roles in a directory's `permissions.v1.json` and `roles/`, and in `more`, whose files go first.

    Raises:
        RoleFilesError: with every mistake within files, or when there is none, with every one between them.

    """
    return read(RoleFiles(directory, more))


def read(files: RoleFiles) -> Roles:
    """Return the roles that stand in files. Raises RoleFilesError as `read_roles`."""
    permissions = files.permissions()
    found = inherit(files.documents(), permissions)
    return Roles(
        permissions,
        {name: role for name, role in sorted(found.items()) if not role.abstract},
        {name: role for name, role in sorted(found.items()) if role.abstract},
    )
