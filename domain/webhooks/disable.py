"""Stop calling an endpoint, and tell why: by itself when it failed for too long, or because somebody said so."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import update

from domain.notices.raising import NoticeKind, raise_notice
from domain.webhooks.models import Endpoint, Send
from domain.webhooks.policy import Health
from domain.webhooks.repository import Loaded

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def disable(session: Session, endpoint_id: UUID, reason: str, now: datetime) -> int:
    """Disable an endpoint and cancel what waits for it, all of which can be replayed; return how many that were."""
    session.execute(
        update(Endpoint)
        .where(Endpoint.id == endpoint_id)
        .values(enabled=False, disabled_at=now, disabled_because=reason, held_until=None, updated_at=now)
    )
    cancelled = session.scalars(
        update(Send)
        .where(Send.endpoint_id == endpoint_id, Send.state == "pending")
        .values(state="cancelled", reason="The endpoint was disabled.", settled_at=now)
        .returning(Send.id)
    )
    return len(cancelled.all())


def disable_failing(session: Session, send: Loaded, health: Health, why: str, now: datetime) -> str:
    """Disable an endpoint of which no call succeeded for too long; return the reason."""
    since = health.failing_since.strftime("%Y-%m-%d %H:%M UTC")
    return _disable(session, send, f"All {health.failures} calls since {since} failed. The last one: {why}", now)


def disable_gone(session: Session, send: Loaded, now: datetime) -> str:
    """Disable an endpoint that answered 410; return the reason."""
    return _disable(session, send, "The receiver answered 410 Gone: it asks not to be called any more.", now)


def _disable(session: Session, send: Loaded, reason: str, now: datetime) -> str:
    cancelled = disable(session, send.endpoint_id, reason, now)
    words = (
        f"The webhook endpoint {send.endpoint_id} was disabled. {reason} {cancelled} waiting events were cancelled. "
        "Put the receiver right, enable the endpoint, then replay what it missed."
    )
    raise_notice(
        session,
        NoticeKind.WEBHOOK_DISABLED,
        str(send.endpoint_id),
        words,
        org_id=send.org_id,
        client_id=send.endpoint_client_id,
    )
    return reason
