"""The roles of this installation, read from their files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.access.authorize import Permission, Scope
from domain.kernel.errors import GatehouseError

if TYPE_CHECKING:
    from uuid import UUID


class RoleFilesError(GatehouseError):
    """A role file is wrong; the message names the file and says what to change."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What the files say; a `RoleBook`."""

    permissions: Mapping[str, Permission]
    scopes: Mapping[str, Mapping[str, Scope]]

    def scope_of(self, role: str, permission: str, org_id: UUID) -> Scope | None:  # noqa: ARG002 - of the protocol
        """Return how far a role's permission goes."""
        return self.scopes.get(role, {}).get(permission)


def read_roles(directory: Path) -> Roles:
    """Return the roles in a directory's `permissions.v1.json` and `roles/*.v1.json`. Raises RoleFilesError."""
    permissions = {
        name: Permission(
            name,
            said["about"],
            frozenset(Scope(scope) for scope in said["scopes"]),
            changes=said.get("changes", False),
            destructive=said.get("destructive", False),
        )
        for name, said in _read(directory / "permissions.v1.json")["permissions"].items()
    }
    scopes = {}
    for path in sorted((directory / "roles").glob("*.v1.json")):
        document = _read(path)
        for name, scope in document["permissions"].items():
            if name not in permissions:
                raise RoleFilesError(f"{path.name}: there is no permission {name!r}; permissions.v1.json lists all.")
            if scope not in permissions[name].scopes:
                raise RoleFilesError(f"{path.name}: {name} does not go as far as {scope!r}.")
        scopes[document["role"]] = {name: Scope(scope) for name, scope in document["permissions"].items()}
    return Roles(permissions, scopes)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise RoleFilesError(f"{path.name} can't be read: {error}") from error
    if not isinstance(document, dict):
        raise RoleFilesError(f"{path.name} has to hold one object.")
    return document
