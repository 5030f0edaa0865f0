"""Whose a message at the provider is, when several deliveries say the same to the same person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from domain.delivery.models import Delivery, NotificationLog
from domain.delivery.repository import Loaded


def hold_twins(session: Session, delivery: Loaded) -> None:
    """Let no other transaction decide at the same time whose a message to this recipient is."""
    key = f"delivery:{delivery.client_id}:{delivery.to_address}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def twin_in_flight(session: Session, delivery: Loaded, within: timedelta) -> bool:
    """Return whether the same text to the same recipient, as another delivery, began to be sent within that time."""
    twin = exists().where(
        Delivery.client_id == delivery.client_id,
        Delivery.id != delivery.id,
        Delivery.state == "sending",
        Delivery.updated_at >= func.now() - within,
        Delivery.to_address == delivery.to_address,
        Delivery.body == delivery.body,
    )
    return bool(session.scalar(select(twin)))


def taken_by_others(session: Session, attempt_id: UUID, provider_ids: Collection[str]) -> set[str]:
    """Return those of the provider's messages that belong to other attempts, of this or of another delivery."""
    log = NotificationLog
    statement = select(log.provider_id).where(log.provider_id.in_(provider_ids), log.id != attempt_id)
    return {provider_id for provider_id in session.scalars(statement) if provider_id is not None}
