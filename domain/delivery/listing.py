"""Deliveries as operators see them: without what was said and to whom, unless that is asked for on record.

A list reads an index of its organization, of a client, or of those that ended badly; whatever else narrows it is looked
for in a stretch of that (`domain.kernel.looking`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import literal, select

from domain.delivery.models import Delivery, DeliveryReceipt, NotificationLog
from domain.delivery.resolve import NoSuchDeliveryError
from domain.delivery.states import State
from domain.kernel.looking import Found, Span, clients_in_scope, look
from domain.kernel.redaction import redact_email, redact_phone

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

ENDED_BADLY: Final[tuple[State, ...]] = ("unknown", "undelivered", "failed", "cancelled")
"""States that have indexes of their own, by organization and by client."""


@dataclass(frozen=True, slots=True)
class Which:
    """A selection of deliveries: those that fit all that is set. `needs_person`: only those that wait for one.

    `error_code`: the provider's, of the last try.
    """

    state: State | None = None
    client_id: UUID | None = None
    channel: str | None = None
    needs_person: bool = False
    purpose: str | None = None
    error_code: str | None = None
    org_id: UUID | None = None
    span: Span = field(default_factory=Span)

    def indexed(self, table: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401 - the table or an alias of it
        """Return what an index finds."""
        conditions = self.span.conditions(table)
        state = "unknown" if self.needs_person else self.state
        if state in ENDED_BADLY:
            # Written out: an index of some states is of no use to a statement that may mean any.
            conditions.append(table.state == literal(state, literal_execute=True))
        if self.org_id is not None:
            conditions.append(table.org_id == self.org_id)
        return conditions

    def narrowing(self, table: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401 - as above
        """Return what has to be looked for."""
        conditions = []
        if self.needs_person:
            conditions.append(table.asked_person_at.is_not(None))
        if self.state is not None and (self.needs_person or self.state not in ENDED_BADLY):
            conditions.append(table.state == self.state)
        for column, wanted in (
            (table.channel, self.channel),
            (table.purpose, self.purpose),
            (table.error_code, self.error_code),
        ):
            if wanted is not None:
                conditions.append(column == wanted)
        return conditions


def list_deliveries(session: Session, which: Which, *, limit: int, before_id: UUID | None = None) -> Found[Delivery]:
    """Return deliveries of this scope, newest first, that are older than `before_id`."""
    return look(
        session,
        Delivery,
        indexed=which.indexed,
        narrowing=which.narrowing,
        of=clients_in_scope(session, which.client_id),
        limit=limit,
        before_id=before_id,
    )


def last_tries(session: Session, deliveries: Sequence[Delivery]) -> Mapping[UUID, NotificationLog]:
    """Return the last try at each of these, by the delivery's id; one that was not tried is missing."""
    log = NotificationLog
    tries = select(log).where(log.delivery_id.in_([one.id for one in deliveries])).order_by(log.attempt)
    return {row.delivery_id: row for row in session.scalars(tries)}


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
