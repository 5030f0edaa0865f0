"""Texts that reach us long after they were written are for a person, not for an automatic reply.

Only those that came by the spool or from the provider's list can be late; consent and danger count at any age.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.alerts.policy import Alert, AlertKind
from domain.alerts.raising import raise_alert
from domain.conversations.messages import ProcessMessages
from domain.conversations.thread import Waiting, mark_processed
from domain.flags.definitions import LATE_MINUTES
from domain.flags.inforce import flags_of, whole

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LATE: Final = "came_late"
_SHOWN: Final = 120


def set_late_aside(
    session: Session, message: ProcessMessages, org_id: UUID, waiting: Sequence[Waiting], now: datetime
) -> Sequence[Waiting]:
    """Hand texts that came late to the owner and return the others.

    A reply that comes later than `conversations.late_minutes` surprises more than it helps.
    """
    minutes = whole(flags_of(session), LATE_MINUTES, org_id=org_id, client_id=message.client_id)
    oldest = now - timedelta(minutes=minutes)
    late = [one for one in waiting if one.came_by in {"spool", "recovery"} and one.received_at < oldest]
    if not late:
        return waiting
    mark_processed(session, late, LATE)
    for one in late:
        hours = int((now - one.received_at).total_seconds() // 3_600)
        summary = f"{message.address} wrote {hours} hours ago, and it reached us only now, so it was not answered: "
        alert = Alert(
            org_id=org_id,
            client_id=message.client_id,
            kind=AlertKind.FALLBACK,
            subject=f"message:{one.id}",
            summary=summary + one.body[:_SHOWN],
            correlation_id=one.correlation_id,
        )
        raise_alert(session, alert, now=now)
    return [one for one in waiting if one not in late]
