"""Nobody gives what they don't have: whether one principal would reach further than the one who makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.access.authorize import Box, Permission, Reach, Scope, is_wider, reach
from domain.access.principal import Grant, Principal
from domain.kernel.errors import GatehouseError
from domain.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from domain.access.authorize import RoleBook

_ROLE: Final = "the role"


class ReachesTooFarError(GatehouseError):
    """That would reach further than whoever asks for it."""


def require_no_further(book: RoleBook, giver: Principal, made: Principal, org_id: UUID) -> None:
    """Raise ReachesTooFarError when `made` could do something in an organization that `giver` can't."""
    for permission in sorted(book.permissions):
        its = reach(book, made, permission, org_id)
        if its is not None and not _covers(reach(book, giver, permission, org_id), its, made):
            raise ReachesTooFarError(
                f"You can't give {permission} so far: it goes beyond what you have yourself. Narrow it, or ask somebody"
                " who has it."
            )


def require_may_widen(
    book: RoleBook, giver: Principal, org_id: UUID, before: Mapping[str, Scope], after: Mapping[str, Scope]
) -> None:
    """Raise ReachesTooFarError when a role of an organization would get what `giver` does not have there.

    Else somebody could narrow a role, give it to themselves while it is harmless, and widen it again.
    """
    for name in sorted(after):
        if name in before and not is_wider(after[name], before[name]):
            continue
        made = Principal("user", "", (Grant(_ROLE, org_id),), new_id())
        its = reach(_OneRole(book.permissions, after), made, name, org_id)
        if its is not None and not _covers(reach(book, giver, name, org_id), its, made):
            raise ReachesTooFarError(
                f"That gives {name} back to whoever has the role, and goes beyond what you have yourself. Ask somebody"
                " who has it."
            )


@dataclass(frozen=True, slots=True)
class _OneRole:
    """A `RoleBook` of a single role."""

    permissions: Mapping[str, Permission]
    scopes: Mapping[str, Scope]

    def scope_of(self, role: str, permission: str, org_id: UUID) -> Scope | None:  # noqa: ARG002 - of the protocol
        return self.scopes.get(permission)


def _covers(wide: Reach | None, narrow: Reach, made: Principal) -> bool:
    # What is only their own is new with them, so it is taken from nobody.
    apart_from_own = frozenset(
        Box(box.clients, None if box.owners is None else box.owners - {made.id}) for box in narrow.boxes
    )
    return wide is not None and wide.covers(Reach(apart_from_own, everywhere=narrow.everywhere))
