"""Send what was gathered, as one message, at the end of a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.alerts.messages import SendDigest
from domain.alerts.models import OwnerAlert
from domain.alerts.owners import keep_others_out, read_owner
from domain.alerts.policy import reaches, words_of
from domain.alerts.raising import open_window
from domain.alerts.sending import Post, ask_gate, note_reach, send, settle
from domain.alerts.wording import Told, digest
from domain.kernel.clock import Clock
from domain.queue.outcome import Cancel, Done, Outcome
from domain.queue.run import Run

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def send_digest(message: SendDigest, run: Run, *, clock: Clock) -> Outcome:
    """Send a client's waiting alerts together. When there were any, the next window opens; else the next alert does."""
    with run.scope() as session:
        keep_others_out(session, message.client_id)
        waiting = _waiting(session, message.client_id)
        if not waiting:
            return run.finish(session, Done("Nothing was raised meanwhile."))
        return _send(session, message.client_id, waiting, run, clock.now())


def _send(session: Session, client_id: UUID, waiting: Sequence[OwnerAlert], run: Run, now: datetime) -> Outcome:
    owner = read_owner(session, client_id)
    alert_ids = [alert.id for alert in waiting]
    stopped = ask_gate(session, client_id, subject=f"digest:{run.job_id}", correlation_id=None, now=now)
    reached = stopped is None and reaches(owner)
    note_reach(session, owner, client_id, reached=reached, words=words_of(owner, stopped))
    if stopped is not None:
        settle(session, alert_ids, reason=stopped, gathered=True)
        return run.finish(session, Cancel(f"The gate blocked the alerts: {stopped}"))
    words = digest(
        owner.client_name, [Told(alert.kind, alert.summary, owner.local(alert.created_at)) for alert in waiting]
    )
    delivery_ids, reason = send(session, Post(owner, client_id, words))
    settle(session, alert_ids, delivery_ids=delivery_ids, reason=reason or None, gathered=True)
    outcome = run.finish(session, Done(f"Alerts in one message: {len(waiting)}."))
    if owner.collapse:
        open_window(session, client_id, owner, now)
    return outcome


def _waiting(session: Session, client_id: UUID) -> Sequence[OwnerAlert]:
    query = select(OwnerAlert).where(OwnerAlert.client_id == client_id, OwnerAlert.state == "waiting")
    return session.scalars(query.order_by(OwnerAlert.id)).all()
