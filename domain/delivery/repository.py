"""The queries of sending. They take and return plain values: nothing here decides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.orm import Session

from domain.clients.models import Client
from domain.delivery.models import Delivery, NotificationLog, OptOut
from domain.delivery.policy import State

_UNRESOLVED: Final = ("sending", "unknown")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A delivery as it is now, its client's senders, and whether its recipient has opted out."""

    id: UUID
    org_id: UUID
    client_id: UUID
    purpose: str
    channel: str
    to_address: str = field(repr=False)
    body: str = field(repr=False)
    direct_reply: bool
    state: str
    attempts: int
    provider_id: str | None
    correlation_id: UUID | None
    sms_number: str | None
    messaging_service_sid: str | None
    opted_out: bool

    @property
    def taken(self) -> bool:
        """Whether a provider has this message, so that it is never sent again, whatever became of it there."""
        return self.provider_id is not None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a delivery that is not closed."""

    id: UUID
    started_at: datetime
    outcome: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt or a delivery failed: the provider's code, our class of it, and words without personal data."""

    text: str
    error_class: str | None = None
    code: str | None = None


_OPTED_OUT = exists().where(
    OptOut.client_id == Delivery.client_id,
    OptOut.channel == Delivery.channel,
    OptOut.address == Delivery.to_address,
)
_LOAD = (
    select(
        Delivery.id,
        Delivery.org_id,
        Delivery.client_id,
        Delivery.purpose,
        Delivery.channel,
        Delivery.to_address,
        Delivery.body,
        Delivery.direct_reply,
        Delivery.state,
        Delivery.attempts,
        Delivery.provider_id,
        Delivery.correlation_id,
        Client.sms_number,
        Client.messaging_service_sid,
        _OPTED_OUT.label("opted_out"),
    )
    .join(Client, Client.id == Delivery.client_id)
    .with_for_update(of=Delivery)
)


def lock_delivery(session: Session, delivery_id: UUID) -> Loaded | None:
    """Read a delivery and keep others from changing it until this transaction ends; None when it is gone."""
    row = session.execute(_LOAD.where(Delivery.id == delivery_id)).one_or_none()
    return None if row is None else Loaded(*tuple(row))


def unresolved_attempt(session: Session, delivery_id: UUID) -> Attempt | None:
    """Return the attempt of which nobody knows yet what became of it. There is at most one."""
    log = NotificationLog
    statement = (
        select(log.id, log.started_at, log.outcome)
        .where(log.delivery_id == delivery_id, log.outcome.in_(_UNRESOLVED))
        .order_by(log.attempt.desc())
        .limit(1)
    )
    row = session.execute(statement).one_or_none()
    return None if row is None else Attempt(*row)


def open_attempt(
    session: Session, delivery: Loaded, attempt: Attempt, provider: str, failure: Failure | None = None
) -> None:
    """Record an attempt and count it: the intent to send, or, with a final outcome, that it never came to a call."""
    session.execute(
        insert(NotificationLog).values(
            id=attempt.id,
            org_id=delivery.org_id,
            client_id=delivery.client_id,
            delivery_id=delivery.id,
            attempt=delivery.attempts + 1,
            provider=provider,
            outcome=attempt.outcome,
            started_at=attempt.started_at,
            finished_at=None if attempt.outcome in _UNRESOLVED else attempt.started_at,
            error_class=failure and failure.error_class,
            error_text=failure and failure.text,
        )
    )
    session.execute(
        update(Delivery).where(Delivery.id == delivery.id).values(attempts=delivery.attempts + 1, provider=provider)
    )


def close_attempt(
    session: Session,
    attempt_id: UUID,
    outcome: Literal["accepted", "rejected", "unknown", "not_sent"],
    *,
    at: datetime,
    provider_id: str | None = None,
    failure: Failure | None = None,
) -> None:
    """Record what became of an attempt, unless its acceptance is proven already."""
    log = NotificationLog
    session.execute(
        update(log)
        .where(log.id == attempt_id, log.outcome != "accepted")
        .values(
            outcome=outcome,
            finished_at=at,
            provider_id=provider_id,
            error_code=failure and failure.code,
            error_class=failure and failure.error_class,
            error_text=failure and failure.text,
        )
    )


def mark(session: Session, delivery_id: UUID, state: State, failure: Failure | None = None) -> bool:
    """Set the state of a delivery that no provider has, as far as is known; return False when one has."""
    statement = (
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.provider_id.is_(None))
        .values(
            state=state,
            error_code=failure and failure.code,
            error_text=failure and failure.text,
            updated_at=func.now(),
        )
        .returning(Delivery.id)
    )
    return session.scalar(statement) is not None


def mark_taken(session: Session, delivery_id: UUID, state: State, provider_id: str) -> None:
    """Record that a provider has the message, unless a receipt has said so already, and perhaps more."""
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.provider_id.is_(None))
        .values(state=state, provider_id=provider_id, error_code=None, error_text=None, updated_at=func.now())
    )


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


def taken_by_others(session: Session, delivery_id: UUID, provider_ids: Collection[str]) -> set[str]:
    """Return those of the provider's messages that belong to other deliveries."""
    statement = select(Delivery.provider_id).where(Delivery.provider_id.in_(provider_ids), Delivery.id != delivery_id)
    return {provider_id for provider_id in session.scalars(statement) if provider_id is not None}
