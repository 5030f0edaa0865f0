"""Read what administrators did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.audit.models import AuditLog

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which acts are meant; what is None does not narrow. `since` is included, `until` is not."""

    action: str | None = None
    target_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_acts(
    session: Session, which: AuditFilter, *, limit: int = 50, before_id: UUID | None = None
) -> Sequence[AuditLog]:
    """Return acts of this scope, newest first; page on with the last id."""
    query = select(AuditLog).order_by(AuditLog.id.desc()).limit(limit)
    if which.action is not None:
        query = query.where(AuditLog.action == which.action)
    if which.target_id is not None:
        query = query.where(AuditLog.target_id == which.target_id)
    if which.since is not None:
        query = query.where(AuditLog.created_at >= which.since)
    if which.until is not None:
        query = query.where(AuditLog.created_at < which.until)
    if before_id is not None:
        query = query.where(AuditLog.id < before_id)
    return session.scalars(query).all()
