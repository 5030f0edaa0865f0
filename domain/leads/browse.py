"""Look through leads, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.leads.models import Lead

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def list_leads(
    session: Session, *, client_id: UUID | None = None, after: UUID | None = None, limit: int = 50
) -> Sequence[Lead]:
    """Return leads of this scope, newest first: of one client, and those before the one with the id `after`."""
    query = select(Lead).order_by(Lead.id.desc()).limit(limit)
    if client_id is not None:
        query = query.where(Lead.client_id == client_id)
    if after is not None:
        query = query.where(Lead.id < after)
    return session.scalars(query).all()
