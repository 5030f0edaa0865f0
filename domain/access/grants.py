"""What somebody was given and has accepted, and who reports to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from domain.access.models import Membership
from domain.access.principal import Grant

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session


def grants_of(session: Session, user_id: UUID) -> tuple[Grant, ...]:
    """Return somebody's roles in this scope that count: in a platform scope all of them, the oldest first."""
    rows = session.execute(
        select(Membership.role, Membership.org_id, Membership.client_id)
        .where(Membership.user_id == user_id, Membership.accepted_at.is_not(None))
        .order_by(Membership.id)
    )
    return tuple(Grant(*row) for row in rows)


def reports_of(
    session: Session, user_id: UUID, org_id: UUID | None = None, *, invited: bool = False
) -> frozenset[UUID]:
    """Return who reports to somebody, directly or through others, in one organization or, with None, in each.

    A line of reports stays within its organization. It ends even where it runs in a circle, and never holds its head.
    With `invited` it also holds who would, once they accept.
    """
    first = select(Membership.org_id, Membership.user_id).where(Membership.reports_to == user_id)
    below = select(Membership.org_id, Membership.user_id)
    if not invited:
        first, below = (query.where(Membership.accepted_at.is_not(None)) for query in (first, below))
    if org_id is not None:
        first = first.where(Membership.org_id == org_id)
    line = first.cte("line", recursive=True)
    whole = line.union(
        below.join(line, (Membership.reports_to == line.c.user_id) & (Membership.org_id == line.c.org_id))
    )
    return frozenset(session.scalars(select(whole.c.user_id))) - {user_id}
