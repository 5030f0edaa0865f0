"""Finders of journeys and deliveries, for the search over everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from api.dashboard.finder import FEW, Asked, Hit
from domain.conversations import journey_words as words
from domain.conversations.journey_finding import journey_with
from domain.conversations.recent import Which, recent_messages
from domain.delivery.listing import recipient
from domain.delivery.models import Delivery, NotificationLog

if TYPE_CHECKING:
    from api.access.requires import Access
    from domain.conversations.recent import RecentMessage
    from domain.kernel.database import Database


class JourneyFinder:
    """Journeys by the customer's number, and by the id of anything that happened in them."""

    title = "Messages"
    takes = "a customer's number, or the id of a message, a job, a delivery or a request"
    permission = "journeys.view"

    def find(self, access: Access, asked: Asked, database: Database) -> Sequence[Hit]:  # noqa: ARG002 - of the protocol
        """Return the journey that an id belongs to, or the last messages from a number."""
        with access.scope() as session:
            if asked.phone is not None:
                found = recent_messages(session, Which(number=asked.phone), limit=FEW).rows[:FEW]
                return [_message(one) for one in found]
            wanted = asked.words if asked.exact else None
            journey = journey_with(session, wanted) if wanted else None
        return [] if journey is None else [Hit("What happened to the message", f"/dashboard/journeys/{journey}")]


class DeliveryFinder:
    """Deliveries by their id, and by an attempt's and the provider's."""

    title = "Deliveries"
    takes = "the id of a delivery, ours or the provider's"
    permission = "deliveries.view"

    def find(self, access: Access, asked: Asked, database: Database) -> Sequence[Hit]:  # noqa: ARG002 - of the protocol
        """Return the delivery with this id."""
        if not asked.exact:
            return []
        log = NotificationLog
        tried = select(Delivery).join(log, log.delivery_id == Delivery.id)
        with access.scope() as session:
            if asked.uuid is None:
                found = session.scalars(tried.where(log.provider_id == asked.sid).limit(FEW)).all()
            else:
                own = session.get(Delivery, asked.uuid)
                found = [own] if own else session.scalars(tried.where(log.id == asked.uuid)).all()
            return [_hit(one) for one in found]


def _message(one: RecentMessage) -> Hit:
    about = f"to {one.client_name}: {one.outcome}"
    return Hit(f"From {one.sender}", f"/dashboard/journeys/{one.correlation_id}", about)


def _hit(one: Delivery) -> Hit:
    name, state = words.PURPOSES.get(one.purpose, "A message"), words.DELIVERY_STATES.get(one.state, (one.state,))[0]
    return Hit(f"{name} to {recipient(one)}", f"/dashboard/deliveries/{one.id}", state)
