"""Nobody gives what they don't have: whether one principal would reach further than the one who makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.access.authorize import Box, Reach, reach
from domain.kernel.errors import GatehouseError

if TYPE_CHECKING:
    from uuid import UUID

    from domain.access.authorize import RoleBook
    from domain.access.principal import Principal


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


def _covers(wide: Reach | None, narrow: Reach, made: Principal) -> bool:
    # What is only their own is new with them, so it is taken from nobody.
    apart_from_own = frozenset(
        Box(box.clients, None if box.owners is None else box.owners - {made.id}) for box in narrow.boxes
    )
    return wide is not None and wide.covers(Reach(apart_from_own, everywhere=narrow.everywhere))
