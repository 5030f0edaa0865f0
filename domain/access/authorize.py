"""The one decision: how far a permission goes for somebody in an organization. Pure; no role's name stands here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from domain.access.principal import Grant, Principal


class Scope(StrEnum):
    """How far a role's permission goes."""

    PLATFORM = "platform"
    """Every organization, when the role was given in the platform's own."""
    ORGANIZATION = "organization"
    """All of the organization that the role was given in."""
    CLIENT = "client"
    """The client that the role was given for; all of the organization's when it was given for none in particular."""
    SUBORDINATES = "subordinates"
    """What is theirs, or of somebody who reports to them."""
    OWN = "own"
    """What is theirs."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that can be allowed. `changes`: more than looking; `destructive`: not to be done on a demo."""

    name: str
    about: str
    scopes: frozenset[Scope]
    changes: bool = False
    destructive: bool = False


class RoleBook(Protocol):
    """What the role files say."""

    @property
    def permissions(self) -> Mapping[str, Permission]:
        """Everything that can be allowed, by name."""

    def scope_of(self, role: str, permission: str, org_id: UUID) -> Scope | None:
        """Return how far a role's permission goes in an organization, which may narrow it; None when it has none."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a permission goes: which clients' rows, and whose. None stands for all of the organization's.

    `everywhere`: in every organization, and on what belongs to none.
    """

    everywhere: bool = False
    clients: frozenset[UUID] | None = None
    owners: frozenset[UUID] | None = None

    def includes(self, *, client_id: UUID | None = None, owner_id: UUID | None = None) -> bool:
        """Whether something of this client and owner is within reach."""
        return (self.clients is None or client_id in self.clients) and (self.owners is None or owner_id in self.owners)


def reach(book: RoleBook, principal: Principal, permission: str, org_id: UUID | None) -> Reach | None:
    """Return how far a permission goes in an organization (None: beyond any one), None when it is not allowed.

    Several roles add up; where they can't be added exactly, what only one of them allows is left out. A permission
    that no file knows is nobody's.
    """
    known = book.permissions.get(permission)
    if known is None or (known.changes and principal.read_only):
        return None
    if principal.permissions is not None and permission not in principal.permissions:
        return None
    widest: Reach | None = None
    for grant in principal.grants:
        scope = book.scope_of(grant.role, permission, grant.org_id)
        if scope is not None and scope in known.scopes and (given := _of(grant, scope, principal, org_id)) is not None:
            widest = given if widest is None else _wider(widest, given)
    return widest


def _of(grant: Grant, scope: Scope, principal: Principal, org_id: UUID | None) -> Reach | None:
    if scope is Scope.PLATFORM and grant.org_id == PLATFORM_ORG_ID and grant.client_id is None:
        return Reach(everywhere=True)
    if org_id is None or grant.org_id != org_id:
        return None
    clients = None if grant.client_id is None else frozenset({grant.client_id})
    if scope in {Scope.PLATFORM, Scope.ORGANIZATION, Scope.CLIENT}:
        return Reach(clients=clients)
    own = frozenset() if principal.id is None else frozenset({principal.id})
    return Reach(clients=clients, owners=own | principal.reports if scope is Scope.SUBORDINATES else own)


def _wider(one: Reach, other: Reach) -> Reach:
    """Return both together: exact where one contains the other or they differ in one way only, else the first."""
    if one.everywhere or other.everywhere:
        return Reach(everywhere=True)
    clients = None if one.clients is None or other.clients is None else one.clients | other.clients
    owners = None if one.owners is None or other.owners is None else one.owners | other.owners
    joined = Reach(clients=clients, owners=owners)
    exact = one.clients == other.clients or one.owners == other.owners or joined in (one, other)
    return joined if exact else one
