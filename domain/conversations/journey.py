"""The journey of a message: how far it has come, every step on record, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from domain.conversations.journey_advice import advise
from domain.conversations.journey_records import Records, organization_of, read_records
from domain.conversations.journey_step import Step
from domain.conversations.journey_steps import all_steps
from domain.conversations.journey_why import Why, explain
from domain.conversations.journey_words import Tone
from domain.kernel.errors import NotFoundError
from domain.queue.names import LIVE_STATES

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.delivery.models import Delivery

JourneyState = Literal["under_way", "answered", "no_reply_needed", "left_to_person", "blocked", "failed"]
_TONES: Final[Mapping[JourneyState, Tone]] = {
    "under_way": "waiting",
    "no_reply_needed": "plain",
    "left_to_person": "plain",
    "blocked": "bad",
    "failed": "bad",
}
_HEADLINES: Final[Mapping[JourneyState, str]] = {
    "under_way": "Under way",
    "answered": "Answered",
    "no_reply_needed": "No reply was needed",
    "left_to_person": "Left to the person who answers",
    "blocked": "The gate blocked the reply",
    "failed": "The reply did not get through",
}
_UNDECIDED: Final = frozenset({"pending", "sending", "unknown"})
_NEEDED: Final = frozenset({"conversations.process", "delivery.send"})
_BESIDE: Final = frozenset({"webhooks.send"})
"""Jobs that may go on for a day without being part of the answer."""
_NO_REPLY_NEEDED: Final = frozenset({"opted_out", "opted_in", "help"})
_LEFT_TO_PERSON: Final = frozenset({"left_to_person", "came_late"})


class JourneyNotFoundError(NotFoundError):
    """Nothing is on record under this correlation id."""


@dataclass(frozen=True, slots=True)
class Journey:
    """All that is on record about one message.

    `reply` is the answer once the customer has it or will get it (a provider took it, or it stands in the chat).
    `answered_ms` counts from the message's arrival to that. `finished`: nothing of it waits or runs any more.
    """

    correlation_id: UUID
    org_id: UUID
    client_name: str | None
    state: JourneyState
    tone: Tone
    headline: str
    finished: bool
    steps: Sequence[Step]
    advice: Sequence[str]
    answered_ms: float | None
    why: Why | None
    reply: str | None = field(repr=False)


def organization_of_journey(session: Session, correlation_id: UUID) -> UUID:
    """Return the organization of a message of this scope. Raises JourneyNotFoundError."""
    org_id = organization_of(session, correlation_id)
    if org_id is None:
        raise JourneyNotFoundError("Nothing is on record under this id.")
    return org_id


def read_journey(session: Session, correlation_id: UUID) -> Journey:
    """Return a message's journey, as far as this scope shows it: an organization's, or one of some of its clients.

    Raises JourneyNotFoundError.
    """
    org_id = organization_of_journey(session, correlation_id)
    return journey_of(read_records(session, org_id, correlation_id))


def journey_of(records: Records) -> Journey:
    """Return the journey that the records tell."""
    state = _state(records)
    answered_at = _answered_at(records) if state == "answered" else None
    begun = min((message.received_at for message in records.inbound), default=None)
    answered_ms = None if answered_at is None or begun is None else (answered_at - begun).total_seconds() * 1000
    return Journey(
        correlation_id=records.correlation_id,
        org_id=records.org_id,
        client_name=records.client_name,
        state=state,
        tone=_tone(records, state),
        headline=_headline(records, state, answered_ms),
        finished=_is_finished(records),
        steps=all_steps(records),
        advice=advise(records),
        answered_ms=None if answered_ms is None else round(answered_ms, 3),
        why=explain(records, state, _deliveries_that_count(records)),
        reply=records.replies[-1].body if state == "answered" and records.replies else None,
    )


def _state(records: Records) -> JourneyState:
    replies = _deliveries_that_count(records)
    if any(delivery.state in {"failed", "undelivered"} for delivery in replies) or _died(records):
        return "failed"
    if any(delivery.state == "cancelled" for delivery in replies):
        return "blocked"
    if records.replies:
        on_the_way = any(delivery.state in _UNDECIDED for delivery in replies)
        return "under_way" if on_the_way else "answered"
    outcomes = {message.outcome for message in records.inbound}
    if "suppressed" in outcomes:
        return "blocked"
    if outcomes & _LEFT_TO_PERSON:
        return "left_to_person"
    # Without a message there is nothing to reply to: a lead, or work that nobody wrote for.
    return "no_reply_needed" if outcomes & _NO_REPLY_NEEDED or not outcomes else "under_way"


def _deliveries_that_count(records: Records) -> Sequence[Delivery]:
    """Return what was sent to the customer; where a person replied, that alone: the AI's reply gave way to it."""
    replies = [delivery for delivery in records.deliveries if delivery.purpose != "owner_alert"]
    return [delivery for delivery in replies if delivery.purpose == "person"] or replies


def _tone(records: Records, state: JourneyState) -> Tone:
    if state == "answered":
        return "limited" if records.replies and records.replies[-1].author == "system" else "good"
    return _TONES[state]


def _died(records: Records) -> bool:
    """Whether a job that the reply needs is dead; one that tells an owner or an endpoint is not."""
    alerts = {f"delivery:{delivery.id}" for delivery in records.deliveries if delivery.purpose == "owner_alert"}
    return any(job.state == "dead" and job.kind in _NEEDED and job.subject not in alerts for job in records.jobs)


def _answered_at(records: Records) -> datetime | None:
    """Return when a provider had the reply, or when it stood in the chat."""
    replies = {delivery.id for delivery in _deliveries_that_count(records)}
    taken = [
        log.finished_at
        for log in records.send_attempts
        if log.outcome == "accepted" and log.delivery_id in replies and log.finished_at is not None
    ]
    return min([*taken, *(message.received_at for message in records.replies if not taken)], default=None)


def _headline(records: Records, state: JourneyState, answered_ms: float | None) -> str:
    if state == "answered" and answered_ms is not None:
        return f"Answered {_how(records)}after {answered_ms / 1000:.3f} s"
    return _HEADLINES[state]


def _how(records: Records) -> str:
    if any(message.outcome == "crisis" for message in records.inbound):
        return "with advice for an emergency "
    return {"system": "with the fallback text ", "person": "by a person "}.get(records.replies[-1].author, "")


def _is_finished(records: Records) -> bool:
    return (
        all(message.processed_at is not None for message in records.inbound)
        and not any(job.state in LIVE_STATES for job in records.jobs if job.kind not in _BESIDE)
        and not any(delivery.state in _UNDECIDED for delivery in records.deliveries)
    )
