"""Ask for something to be sent: the row and the job that sends it, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from domain.clients.emails import is_email
from domain.clients.numbers import is_e164
from domain.delivery.errors import UndeliverableError
from domain.delivery.messages import SendDelivery
from domain.delivery.segments import segments_of
from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.queue.enqueue import enqueue

Purpose = Literal["reply", "fallback", "owner_alert", "person", "test", "crisis"]

BODY_LIMIT: Final = 1600
"""Characters. Twilio, "Message resource": a longer body is refused with error 21617."""
LONGEST_VALIDITY: Final = timedelta(days=30)
_TO_OWNERS: Final = frozenset({"owner_alert", "test"})
# Written for psycopg: every reply passes here. What is of use to a contact for a while only is set for the client; what
# an owner has to know does not become less so.
_INSERT: Final = """
    INSERT INTO deliveries (id, org_id, client_id, message_id, purpose, channel, to_address, subject, body, html_body,
                            segments, encoding, direct_reply, correlation_id, expires_at)
    VALUES (%(id)s, %(org_id)s, %(client_id)s, %(message_id)s, %(purpose)s, %(channel)s, %(to_address)s, %(subject)s,
            %(body)s, %(html_body)s, %(segments)s, %(encoding)s, %(direct_reply)s, %(correlation_id)s,
            now() + coalesce(%(valid_for)s::interval,
                             (SELECT make_interval(mins => sms_validity_minutes) FROM client_settings
                              WHERE client_id = %(client_id)s AND %(to_contact)s)))
"""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One thing to send. `purpose`: "person" was written by one, "test" shows an owner that alerts arrive.

    "crisis" is advice for an emergency, which a person who is answering doesn't keep back. `direct_reply`: the
    recipient just wrote, so quiet hours do not apply. An e-mail has a `subject`, and may have an `html_body` that says
    the same as its `body`. What could not be sent within `valid_for` is cancelled; without it, a text to a contact is
    of use for as long as is set for the client (`sms_validity_minutes`), or without a limit.
    """

    org_id: UUID
    client_id: UUID
    purpose: Purpose
    channel: Literal["sms", "email"]
    to_address: str = field(repr=False)
    body: str = field(repr=False)
    message_id: UUID | None = None
    subject: str | None = field(default=None, repr=False)
    html_body: str | None = field(default=None, repr=False)
    direct_reply: bool = False
    correlation_id: UUID | None = None
    valid_for: timedelta | None = None


def request_delivery(session: Session, new: NewDelivery) -> UUID:
    """Store a delivery and the job that sends it; return the delivery's id.

    Raises UndeliverableError for what no provider would take, before anything is written.
    """
    _check(new)
    delivery_id = new_id()
    session.flush()
    over_the_air = segments_of(new.body) if new.channel == "sms" else None
    raw_connection(session).execute(
        _INSERT,
        {
            "id": delivery_id,
            "org_id": new.org_id,
            "client_id": new.client_id,
            "message_id": new.message_id,
            "purpose": new.purpose,
            "channel": new.channel,
            # One spelling, so that who opted out is found again. No mail server tells capitals from small letters.
            "to_address": new.to_address.lower() if new.channel == "email" else new.to_address,
            "subject": new.subject,
            "body": new.body,
            "html_body": new.html_body,
            "segments": over_the_air and over_the_air.count,
            "encoding": over_the_air and over_the_air.encoding,
            "direct_reply": new.direct_reply,
            "correlation_id": new.correlation_id,
            "valid_for": new.valid_for,
            "to_contact": new.channel == "sms" and new.purpose not in _TO_OWNERS,
        },
        prepare=True,
    )
    enqueue(
        session,
        SendDelivery(delivery_id=delivery_id),
        org_id=new.org_id,
        correlation_id=new.correlation_id,
        subject=f"delivery:{delivery_id}",
        unique_key=str(delivery_id),
    )
    return delivery_id


def _check(new: NewDelivery) -> None:
    if not new.body.strip():
        raise UndeliverableError("The text is empty.")
    if new.valid_for is not None and not timedelta(0) < new.valid_for <= LONGEST_VALIDITY:
        raise UndeliverableError(f"A message may be valid for up to {LONGEST_VALIDITY.days} days.")
    if new.channel == "email":
        _check_email(new)
    else:
        _check_sms(new)


def _check_email(new: NewDelivery) -> None:
    if not is_email(new.to_address):
        raise UndeliverableError("The recipient's e-mail address is not one.")
    if not new.subject or not new.subject.strip():
        raise UndeliverableError("An e-mail needs a subject.")
    if any(character in new.subject for character in "\r\n"):
        raise UndeliverableError("The subject has a line break in it.")


def _check_sms(new: NewDelivery) -> None:
    if not is_e164(new.to_address):
        raise UndeliverableError("The recipient's number is not in E.164 form (a plus sign and 7 to 15 digits).")
    if len(new.body) > BODY_LIMIT:
        raise UndeliverableError(
            f"The text has {len(new.body)} characters; an SMS may have {BODY_LIMIT}. Shorten or split it."
        )
