"""The queries of sending: plain values in and out, nothing here decides. What every send runs is prepared SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from domain.delivery.counting import note_state
from domain.delivery.models import Delivery
from domain.delivery.ordering import BEHIND
from domain.delivery.states import State
from domain.kernel.database import raw_connection

UNRESOLVED: Final = ("sending", "unknown")
_TAKEN: Final = frozenset({"accepted", "sent", "delivered", "undelivered"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """A delivery as it is now, its client's senders, its recipient's consent, and until when a person answers.

    `expired`: its time is over, of which `seconds_left` are left. `flag_id`, `probe_at`, `probe_due`, `flag_late`: the
    flag of its sender, if it has one. `listened`: the organization has endpoints that may want to know of it.
    `behind`: an earlier text to the same person has not left yet. `asked_at`: by the database's clock.
    """

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
    expires_at: datetime | None
    expired: bool
    seconds_left: float | None
    flag_id: UUID | None
    probe_at: datetime | None
    probe_due: bool | None
    flag_late: bool | None
    listened: bool
    behind: bool
    asked_at: datetime

    @property
    def taken(self) -> bool:
        """Whether a provider has this message, by its word or a person's, so that it is not sent again."""
        return self.provider_id is not None or self.state in _TAKEN

    @property
    def sender(self) -> str | None:
        """What is flagged when the provider refuses to send for it: its number or service; the account for e-mail."""
        return "email" if self.channel == "email" else self.sms_number or self.messaging_service_sid


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a delivery."""

    id: UUID
    started_at: datetime
    outcome: str


@dataclass(frozen=True, slots=True)
class LastTry:
    """The latest attempt at a delivery, with what decides about the next.

    `failed_tries`: how many a provider took and reported as failed later. `now` is the database's time.
    """

    attempt: Attempt
    finished_at: datetime | None
    error_class: str | None
    failed_tries: int
    now: datetime


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
            WHERE m.id = d.message_id),
           d.expires_at, coalesce(d.expires_at <= clock_timestamp(), false),
           extract(epoch FROM d.expires_at - clock_timestamp())::float8, f.id, f.probe_at, f.probe_at <= now(), f.late,
           EXISTS (SELECT FROM webhook_endpoints e WHERE e.org_id = d.org_id), {behind},
           d.created_at
    FROM deliveries d JOIN clients c ON c.id = d.client_id
    LEFT JOIN sender_flags f ON f.client_id = d.client_id AND f.cleared_at IS NULL AND f.sender =
        CASE d.channel WHEN 'email' THEN 'email' ELSE coalesce(c.sms_number, c.messaging_service_sid) END
    WHERE d.id = %s
    FOR UPDATE OF d
""".replace("{behind}", BEHIND)
_LAST_TRY: Final = """
    SELECT id, started_at, outcome, finished_at, error_class,
           (SELECT count(*) FROM notification_logs f WHERE f.delivery_id = l.delivery_id AND f.outcome = 'failed'),
           now()
    FROM notification_logs l WHERE delivery_id = %s ORDER BY attempt DESC LIMIT 1
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
# The delivery is locked before its attempt, as receipts lock them. A delivery that has a provider's id was moved by a
# receipt, perhaps further than the provider's answer says; so was one whose attempt is not open any more.
_END: Final = """
    WITH held AS MATERIALIZED (
        SELECT id FROM deliveries WHERE id = %(id)s FOR UPDATE
    ), closed AS (
        UPDATE notification_logs l
        SET outcome = %(outcome)s, finished_at = %(at)s, provider_id = %(provider_id)s, error_code = %(error_code)s,
            error_class = %(error_class)s, error_text = %(error_text)s
        FROM held WHERE l.id = %(attempt_id)s AND l.outcome = ANY(%(open)s)
        RETURNING l.id
    )
    UPDATE deliveries d
    SET state = %(state)s, provider_id = %(provider_id)s, error_code = %(error_code)s, error_text = %(error_text)s,
        asked_person_at = NULL, updated_at = now()
    FROM closed WHERE d.id = %(id)s AND d.provider_id IS NULL
"""
# A late answer of a run that was given up may still prove that an attempt was taken which was thought not sent.
_OPEN_TO_PROOF: Final = ["sending", "unknown", "not_sent"]


def lock_delivery(session: Session, delivery_id: UUID) -> Loaded | None:
    """Read a delivery and keep others from changing it until this transaction ends; None when it is gone."""
    row = raw_connection(session).execute(_LOAD, [delivery_id], prepare=True).fetchone()
    return None if row is None else Loaded(*row)


def last_try(session: Session, delivery_id: UUID) -> LastTry | None:
    """Return the latest attempt at a delivery; None before the first."""
    row = raw_connection(session).execute(_LAST_TRY, [delivery_id]).fetchone()
    return None if row is None else LastTry(Attempt(*row[:3]), *row[3:])


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
            "finished_at": None if attempt.outcome in UNRESOLVED else attempt.started_at,
            "error_class": failure and failure.error_class,
            "error_text": failure and failure.text,
            "state": state,
        },
        prepare=True,
    )
    note_state(session, delivery, state)


def end_attempt(
    session: Session,
    delivery: Loaded,
    attempt_id: UUID,
    outcome: Literal["accepted", "rejected", "unknown", "not_sent"],
    state: State,
    *,
    at: datetime,
    provider_id: str | None = None,
    failure: Failure | None = None,
) -> bool:
    """Close an attempt and move its delivery to `state`; False when reports moved it already, which then counts.

    An end that is not known may be closed once more, by what was found out.
    """
    cursor = raw_connection(session).execute(
        _END,
        {
            "id": delivery.id,
            "attempt_id": attempt_id,
            "outcome": outcome,
            "open": _OPEN_TO_PROOF if outcome == "accepted" else list(UNRESOLVED),
            "state": state,
            "at": at,
            "provider_id": provider_id,
            "error_code": failure and failure.code,
            "error_class": failure and failure.error_class,
            "error_text": failure and failure.text,
        },
        prepare=True,
    )
    moved = cursor.rowcount > 0
    if moved and state != delivery.state:
        note_state(session, delivery, state)
    return moved


def cancel(session: Session, delivery: Loaded, words: str) -> None:
    """Give up a delivery that is locked and that no provider is known to have."""
    statement = update(Delivery).where(Delivery.id == delivery.id)
    session.execute(
        statement.values(
            state="cancelled", error_code=None, error_text=words, asked_person_at=None, updated_at=func.now()
        )
    )
    note_state(session, delivery, "cancelled")


def ask_person(session: Session, delivery_id: UUID) -> None:
    """Record that what became of a delivery is for a person to decide."""
    statement = update(Delivery).where(Delivery.id == delivery_id)
    session.execute(statement.values(asked_person_at=func.now(), updated_at=func.now()))


def hold(session: Session, delivery_id: UUID) -> None:
    """Keep others from changing a delivery until this transaction ends."""
    raw_connection(session).execute("SELECT FROM deliveries WHERE id = %s FOR UPDATE", [delivery_id])
