"""What the gate let not pass, for whoever asks why nothing was sent. In a platform scope, or a tenant's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.gate.models import GuardLog
from domain.kernel.ids import first_id_at

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.gate.guards import Guard


@dataclass(frozen=True, slots=True)
class WhichBlocks:
    """Which blocks are meant; what is None does not narrow. `since` is included, `until` is not."""

    org_id: UUID | None = None
    client_id: UUID | None = None
    guard: Guard | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_blocks(
    session: Session, which: WhichBlocks, *, limit: int = 50, after: UUID | None = None
) -> Sequence[GuardLog]:
    """Return blocks, the newest first; page on with the last one's id.

    Times are those in the ids, which are made with the row: so the order, the time and the filter are one index.
    """
    query = select(GuardLog).where(~GuardLog.allowed)
    if which.org_id is not None:
        query = query.where(GuardLog.org_id == which.org_id)
    if which.client_id is not None:
        query = query.where(GuardLog.client_id == which.client_id)
    if which.guard is not None:
        query = query.where(GuardLog.guard == which.guard.value)
    if which.since is not None:
        query = query.where(GuardLog.id >= first_id_at(which.since))
    if which.until is not None:
        query = query.where(GuardLog.id < first_id_at(which.until))
    if after is not None:
        query = query.where(GuardLog.id < after)
    return session.scalars(query.order_by(GuardLog.id.desc()).limit(limit)).all()
