"""What the audit log holds of a client, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.audit.models import AuditLog
from domain.audit.record import Actor

if TYPE_CHECKING:
    from domain.kernel.database import Database

DANA = Actor(name="dana", role="workspace_admin")


def entries(database: Database, client_id: UUID) -> list[AuditLog]:
    """Return the entries about a client, the oldest first."""
    with database.platform_scope() as session:
        query = select(AuditLog).where(AuditLog.client_id == client_id).order_by(AuditLog.sequence)
        return list(session.scalars(query))


def actions(database: Database, client_id: UUID) -> list[tuple[str, str]]:
    """Return who did what with a client, the oldest first."""
    return [(entry.actor, entry.action) for entry in entries(database, client_id)]
