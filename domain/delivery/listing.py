"""Deliveries as operators see them: without what was said and to whom, unless that is asked for on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.delivery.models import Delivery, DeliveryReceipt, NotificationLog
from domain.delivery.resolve import NoSuchDeliveryError
from domain.delivery.states import State
from domain.kernel.redaction import redact_email, redact_phone

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Which:
    """A selection of deliveries: those that fit all that is set. `needs_person`: only those that wait for one."""

    state: State | None = None
    client_id: UUID | None = None
    channel: str | None = None
    needs_person: bool = False


def list_deliveries(session: Session, which: Which, *, limit: int, before_id: UUID | None = None) -> Sequence[Delivery]:
    """Return deliveries of this scope, newest first, that are older than `before_id`."""
    statement = select(Delivery).order_by(Delivery.id.desc()).limit(limit)
    if which.state is not None:
        statement = statement.where(Delivery.state == which.state)
    if which.client_id is not None:
        statement = statement.where(Delivery.client_id == which.client_id)
    if which.channel is not None:
        statement = statement.where(Delivery.channel == which.channel)
    if which.needs_person:
        statement = statement.where(Delivery.state == "unknown", Delivery.asked_person_at.is_not(None))
    if before_id is not None:
        statement = statement.where(Delivery.id < before_id)
    return session.scalars(statement).all()


def find_delivery(
    session: Session, delivery_id: UUID
) -> tuple[Delivery, Sequence[NotificationLog], Sequence[DeliveryReceipt]]:
    """Return a delivery with its attempts and receipts, each in order. Raises NoSuchDeliveryError."""
    delivery = session.get(Delivery, delivery_id)
    if delivery is None:
        raise NoSuchDeliveryError
    log, receipt = NotificationLog, DeliveryReceipt
    attempts = session.scalars(select(log).where(log.delivery_id == delivery_id).order_by(log.attempt)).all()
    receipts = session.scalars(select(receipt).where(receipt.delivery_id == delivery_id).order_by(receipt.id)).all()
    return delivery, attempts, receipts


def recipient(delivery: Delivery) -> str:
    """Return to whom it goes, by what little may be shown."""
    return (redact_email if delivery.channel == "email" else redact_phone)(delivery.to_address)
