"""The queries of sending: plain values in and out, nothing here decides. What every send runs is prepared SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from domain.delivery.models import Delivery, NotificationLog
from domain.delivery.policy import State
from domain.kernel.database import raw_connection

_UNRESOLVED: Final = ("sending", "unknown")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A delivery as it is now, its client's senders, its recipient's consent, and until when a person answers."""

    id: UUID
    org_id: UUID
    client_id: UUID
    client_name: str
    message_id: UUID | None
    purpose: str
    channel: str
    to_address: str = field(repr=False)
    subject: str | None = field(repr=False)
    body: str = field(repr=False)
    html_body: str | None = field(repr=False)
    direct_reply: bool
    state: str
    attempts: int
    provider_id: str | None
    correlation_id: UUID | None
    sms_number: str | None
    messaging_service_sid: str | None
    opted_out: bool
    taken_over_until: datetime | None

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


# A "STOP" counts from its commit on, before anybody has processed it (`domain.delivery.opt_outs`).
_LOAD: Final = """
    SELECT d.id, d.org_id, d.client_id, c.name, d.message_id, d.purpose, d.channel, d.to_address, d.subject, d.body,
           d.html_body, d.direct_reply, d.state, d.attempts, d.provider_id, d.correlation_id, c.sms_number,
           c.messaging_service_sid,
           EXISTS (SELECT FROM opt_outs o
                   WHERE o.client_id = d.client_id AND o.channel = d.channel AND o.address = d.to_address)
           OR coalesce((SELECT w.consent = 'stop' AND w.processed_at IS NULL FROM messages w
                        WHERE w.client_id = d.client_id AND w.channel = d.channel AND w.address = d.to_address
                          AND w.consent IN ('stop', 'start')
                        ORDER BY w.id DESC LIMIT 1), false),
           (SELECT v.taken_over_until FROM messages m JOIN conversations v ON v.id = m.conversation_id
            WHERE m.id = d.message_id)
    FROM deliveries d JOIN clients c ON c.id = d.client_id
    WHERE d.id = %s
    FOR UPDATE OF d
"""
_OPEN: Final = """
    WITH opened AS (
        INSERT INTO notification_logs (id, org_id, client_id, delivery_id, attempt, provider, outcome, started_at,
                                       finished_at, error_class, error_text)
        SELECT %(attempt_id)s, org_id, client_id, id, attempts + 1, %(provider)s, %(outcome)s, %(at)s, %(finished_at)s,
               %(error_class)s, %(error_text)s
        FROM deliveries WHERE id = %(id)s
    )
    UPDATE deliveries SET attempts = attempts + 1, provider = %(provider)s, state = %(state)s, error_code = NULL,
                          error_text = %(error_text)s, updated_at = now()
    WHERE id = %(id)s
"""
# A delivery that has a provider's id already was moved by a receipt, perhaps further than the provider's answer says.
_ACCEPT: Final = """
    WITH closed AS (
        UPDATE notification_logs
        SET outcome = 'accepted', finished_at = %(at)s, provider_id = %(provider_id)s, error_code = NULL,
            error_class = NULL, error_text = NULL
        WHERE id = %(attempt_id)s AND outcome <> 'accepted'
    )
    UPDATE deliveries SET state = %(state)s, provider_id = %(provider_id)s, error_code = NULL, error_text = NULL,
                          updated_at = now()
    WHERE id = %(id)s AND provider_id IS NULL
"""


def lock_delivery(session: Session, delivery_id: UUID) -> Loaded | None:
    """Read a delivery and keep others from changing it until this transaction ends; None when it is gone."""
    row = raw_connection(session).execute(_LOAD, [delivery_id], prepare=True).fetchone()
    return None if row is None else Loaded(*row)


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
    session: Session, delivery: Loaded, attempt: Attempt, provider: str, state: State, failure: Failure | None = None
) -> None:
    """Record an attempt and move the delivery to `state`: the intent to send, or why it did not come to a call."""
    raw_connection(session).execute(
        _OPEN,
        {
            "id": delivery.id,
            "attempt_id": attempt.id,
            "provider": provider,
            "outcome": attempt.outcome,
            "at": attempt.started_at,
            "finished_at": None if attempt.outcome in _UNRESOLVED else attempt.started_at,
            "error_class": failure and failure.error_class,
            "error_text": failure and failure.text,
            "state": state,
        },
        prepare=True,
    )


def accept(
    session: Session, delivery_id: UUID, attempt_id: UUID, *, state: State, provider_id: str, at: datetime
) -> None:
    """Record that a provider has the message, and its state there unless a receipt has told more."""
    raw_connection(session).execute(
        _ACCEPT,
        {"id": delivery_id, "attempt_id": attempt_id, "state": state, "provider_id": provider_id, "at": at},
        prepare=True,
    )


def close_attempt(
    session: Session,
    attempt_id: UUID,
    outcome: Literal["rejected", "unknown", "not_sent"],
    *,
    at: datetime,
    failure: Failure | None = None,
) -> None:
    """Record that an attempt came to nothing or that its end is not known, unless its acceptance is proven."""
    log = NotificationLog
    session.execute(
        update(log)
        .where(log.id == attempt_id, log.outcome != "accepted")
        .values(
            outcome=outcome,
            finished_at=at,
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
