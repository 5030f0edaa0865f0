"""The last person who can help everybody else is not locked out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select, text

from domain.access.authorize import Scope
from domain.access.models import Membership, User
from domain.kernel.errors import ConflictError
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from domain.access.authorize import RoleBook

_POWER: Final = "users.change"
# Of two administrators who disable each other at once, the second one waits and then finds itself the last.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('access.administrators', 0))")


class LastAdministratorError(ConflictError):
    """They are the last administrator of the platform. Give somebody else that role first."""


def keep_an_administrator(
    session: Session, book: RoleBook, *, without_user: UUID | None = None, without_membership: UUID | None = None
) -> None:
    """Raise LastAdministratorError if the platform had no active administrator left without these.

    Who was given the role and never came in, so has nothing to sign in with, is none. It does not raise when there was
    none before. Needs a platform scope, and holds other such changes up until that ends.
    """
    session.execute(_LOCK)
    rows = session.execute(
        select(Membership.id, Membership.user_id, Membership.role)
        .join(User, User.id == Membership.user_id)
        .where(Membership.org_id == PLATFORM_ORG_ID, Membership.client_id.is_(None), User.disabled_at.is_(None))
        .where(Membership.accepted_at.is_not(None), User.email_verified_at.is_not(None))
    )
    able = [row for row in rows if book.scope_of(row.role, _POWER, PLATFORM_ORG_ID) is Scope.PLATFORM]
    left = [row for row in able if without_user != row.user_id and without_membership != row.id]
    if able and not left:
        raise LastAdministratorError
