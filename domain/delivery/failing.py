"""What follows when a delivery ends without reaching anyone: whoever has to know is told by a job."""

from __future__ import annotations

from sqlalchemy.orm import Session

from domain.delivery.messages import DeliveryFailed
from domain.delivery.repository import Loaded
from domain.queue.enqueue import enqueue


def tell_of_failure(session: Session, delivery: Loaded) -> None:
    """Have it told, in the transaction that ends the delivery."""
    enqueue(
        session,
        DeliveryFailed(delivery.id),
        org_id=delivery.org_id,
        correlation_id=delivery.correlation_id,
        subject=f"failed_delivery:{delivery.id}",
        unique_key=str(delivery.id),
    )
