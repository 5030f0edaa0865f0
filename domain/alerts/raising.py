"""Raise an alert, in the transaction of what it is about: the first of a client leaves at once, more are gathered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from domain.alerts.messages import SendDigest
from domain.alerts.owners import store_alert
from domain.alerts.policy import Alert, AlertKind, Owner, reaches, words_of
from domain.alerts.sending import Post, ask_gate, note_reach, send, settle
from domain.alerts.wording import Told, single
from domain.queue.enqueue import NewJob, enqueue_many

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["Alert", "AlertKind", "raise_alert"]


def raise_alert(session: Session, alert: Alert, *, now: datetime) -> None:
    """Raise an alert, once for its client, kind and subject, unless the client's preferences or the gate forbid it.

    The first alert of a client leaves at once and opens a window (`alert_collapse_minutes`); what is raised within it
    is gathered and leaves as one message at its end. A danger leaves at once whenever it is raised. What can't be sent
    is kept with the reason, and the operators are told while nothing reaches the owner.
    """
    stored = store_alert(session, alert)
    if stored is None:
        return
    alert_id, owner = stored
    if not owner.wants(alert.kind):
        settle(session, [alert_id], reason="The client does not want alerts of this kind.")
        return
    stopped = ask_gate(
        session, alert.client_id, subject=f"alert:{alert_id}", correlation_id=alert.correlation_id, now=now
    )
    words = words_of(owner, stopped)
    note_reach(session, owner, alert.client_id, reached=stopped is None and reaches(owner), words=words)
    if stopped is not None:
        settle(session, [alert_id], reason=stopped)
    elif alert.kind is AlertKind.CRISIS or not owner.collapse or open_window(session, alert.client_id, owner, now):
        _send_now(session, alert, alert_id, owner, now)


def open_window(session: Session, client_id: UUID, owner: Owner, now: datetime) -> bool:
    """Have what is raised from now on gathered until the window ends; False when it is open already."""
    job = NewJob(SendDigest(client_id), run_at=now + owner.collapse, unique_key=str(client_id))
    return bool(enqueue_many(session, [job], org_id=owner.org_id))


def _send_now(session: Session, alert: Alert, alert_id: UUID, owner: Owner, now: datetime) -> None:
    words = single(owner.client_name, Told(alert.kind.value, alert.summary, owner.local(now)))
    delivery_ids, reason = send(session, Post(owner, alert.client_id, words, alert.correlation_id))
    settle(session, [alert_id], delivery_ids=delivery_ids, reason=reason or None)
