"""Find notices, and resolve one by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import func, select

from domain.kernel.errors import ConflictError, NotFoundError
from domain.notices.models import Notice

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.orm import Session

COUNT_LIMIT: Final = 10_000
_COUNT_OPEN: Final = """
    SELECT kind, count(*) FROM (SELECT kind FROM operator_notices WHERE resolved_at IS NULL LIMIT %s) open GROUP BY kind
"""


def list_notices(
    session: Session,
    *,
    kind: str | None = None,
    org_id: UUID | None = None,
    resolved: bool = False,
    limit: int = 50,
    before_id: UUID | None = None,
) -> Sequence[Notice]:
    """Return notices of this scope, those first that were raised last; page on with the last id."""
    query = select(Notice).where(Notice.resolved_at.is_not(None) if resolved else Notice.resolved_at.is_(None))
    if kind is not None:
        query = query.where(Notice.kind == kind)
    if org_id is not None:
        query = query.where(Notice.org_id == org_id)
    if before_id is not None:
        query = query.where(Notice.id < before_id)
    return session.scalars(query.order_by(Notice.id.desc()).limit(limit)).all()


def count_open(connection: psycopg.Connection[Any]) -> Mapping[str, int]:
    """Return how many notices of each kind wait for a person; at most COUNT_LIMIT in all."""
    return dict(connection.execute(_COUNT_OPEN, (COUNT_LIMIT,)).fetchall())


def resolve_by_id(session: Session, notice_id: UUID, *, by: str) -> Notice:
    """Resolve an open notice and return it. Raises NotFoundError, or ConflictError when it is resolved already."""
    notice = session.get(Notice, notice_id, with_for_update=True)
    if notice is None:
        raise NotFoundError(f"There is no notice {notice_id}.")
    if notice.resolved_at is not None:
        raise ConflictError(f"The notice was resolved already, by {notice.resolved_by}.")
    notice.resolved_at = session.scalars(select(func.now())).one()
    notice.resolved_by = by
    session.flush()
    return notice
