"""The one decision: how far a permission goes for somebody in an organization. Pure; no role's name stands here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from domain.access.principal import Grant, Principal


class Scope(StrEnum):
    """How far a role's permission goes, from the widest to the narrowest."""

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


_WIDTH: Final = {scope: width for width, scope in enumerate(reversed(Scope))}


def is_wider(scope: Scope, other: Scope) -> bool:
    """Whether a scope goes further than another one."""
    return _WIDTH[scope] > _WIDTH[other]


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that can be allowed.

    `changes`: more than looking; `destructive`: not to be done on a demo; `personal`: everybody's, whatever their
    roles, because it is about themselves alone.
    """

    name: str
    about: str
    scopes: frozenset[Scope]
    changes: bool = False
    destructive: bool = False
    personal: bool = False


class RoleBook(Protocol):
    """What the role files say, and what tenants changed of it."""

    @property
    def permissions(self) -> Mapping[str, Permission]:
        """Everything that can be allowed, by name."""

    def scope_of(self, role: str, permission: str, org_id: UUID) -> Scope | None:
        """Return how far a role's permission goes in an organization, which may narrow it; None when it has none."""


@dataclass(frozen=True, slots=True)
class Box:
    """The rows of some clients and of some owners; None stands for all of the organization's."""

    clients: frozenset[UUID] | None = None
    owners: frozenset[UUID] | None = None

    def includes(self, client_id: UUID | None, owner_id: UUID | None) -> bool:
        """Whether something of this client and owner is in it."""
        return (self.clients is None or client_id in self.clients) and (self.owners is None or owner_id in self.owners)

    def covers(self, other: Box) -> bool:
        """Whether all that is in the other is in this one."""
        return _holds(self.clients, other.clients) and _holds(self.owners, other.owners)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a permission goes: what lies in any of its boxes.

    `everywhere`: in every organization, and on what belongs to none.
    """

    boxes: frozenset[Box] = frozenset({Box()})
    everywhere: bool = False

    @property
    def clients(self) -> frozenset[UUID] | None:
        """Whose rows can be within reach at all; None for all of the organization's. The database narrows to these.

        Where owners count as well, a query narrows further, by the boxes.
        """
        found: frozenset[UUID] = frozenset()
        for box in self.boxes:
            if box.clients is None:
                return None
            found |= box.clients
        return found

    def includes(self, *, client_id: UUID | None = None, owner_id: UUID | None = None) -> bool:
        """Whether something of this client and owner is within reach."""
        return any(box.includes(client_id, owner_id) for box in self.boxes)

    def covers(self, other: Reach) -> bool:
        """Whether each box of the other lies in one of this."""
        if other.everywhere and not self.everywhere:
            return False
        return all(any(mine.covers(box) for mine in self.boxes) for box in other.boxes)


def reach(book: RoleBook, principal: Principal, permission: str, org_id: UUID | None) -> Reach | None:
    """Return how far a permission goes in an organization (None: beyond any one), None when it is not allowed.

    Several roles add up, exactly. A permission that no file knows is nobody's.
    """
    known = book.permissions.get(permission)
    if known is None or (known.changes and principal.read_only):
        return None
    if known.personal and not known.changes:
        return Reach(frozenset({Box(owners=_themselves(principal))}))
    if principal.permissions is not None and permission not in principal.permissions:
        return None
    given = set()
    for grant in principal.grants:
        scope = book.scope_of(grant.role, permission, grant.org_id)
        if scope is None or scope not in known.scopes:
            continue
        if scope is Scope.PLATFORM and grant.org_id == PLATFORM_ORG_ID and grant.client_id is None:
            return Reach(everywhere=True)
        box = _of(grant, scope, known, principal, org_id)
        if box is not None:
            given.add(box)
    return Reach(_joined(given)) if given else None


def _of(grant: Grant, scope: Scope, permission: Permission, principal: Principal, org_id: UUID | None) -> Box | None:
    if org_id is None or grant.org_id != org_id:
        return None
    clients = None if grant.client_id is None else frozenset({grant.client_id})
    if scope in {Scope.PLATFORM, Scope.ORGANIZATION, Scope.CLIENT}:
        # What is the platform's or a whole organization's can't be had for less of it.
        enough = {Scope.ORGANIZATION, Scope.CLIENT} if clients is None else {Scope.CLIENT}
        return Box(clients=clients) if enough & permission.scopes else None
    own = _themselves(principal)
    return Box(clients=clients, owners=own | principal.reports if scope is Scope.SUBORDINATES else own)


def _themselves(principal: Principal) -> frozenset[UUID]:
    return frozenset() if principal.id is None else frozenset({principal.id})


def _joined(boxes: Collection[Box]) -> frozenset[Box]:
    """Return the same reach in the fewest boxes: one for all with the same owners, and none that another covers."""
    by_owners: dict[frozenset[UUID] | None, frozenset[UUID] | None] = {}
    for box in boxes:
        before = by_owners.get(box.owners, frozenset())
        by_owners[box.owners] = None if before is None or box.clients is None else before | box.clients
    joined = [Box(clients, owners) for owners, clients in by_owners.items()]
    return frozenset(box for box in joined if not any(other is not box and other.covers(box) for other in joined))


def _holds(wide: frozenset[UUID] | None, narrow: frozenset[UUID] | None) -> bool:
    return wide is None or (narrow is not None and narrow <= wide)
