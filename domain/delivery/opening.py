"""The first of the three phases: ask the gate, and put the intent to send on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.delivery import repository
from domain.delivery.failing import tell_of_failure
from domain.delivery.means import Admission, Means, Outgoing
from domain.delivery.ordering import LOOK_AGAIN, WAITS_FOR_EARLIER
from domain.delivery.policy import ErrorClass
from domain.delivery.ports import OutgoingEmail, OutgoingSms
from domain.delivery.repository import Attempt, Failure, Loaded
from domain.delivery.sender_flags import PROBE_WITHIN, take_probe
from domain.delivery.spreading import spread
from domain.delivery.unsubscribe import with_way_out
from domain.gate.decide import decide
from domain.gate.guards import Decision, Guard
from domain.gate.snapshot import load_snapshot
from domain.kernel.ids import new_id
from domain.queue.outcome import Cancel, Dead, Outcome, Snooze
from domain.queue.run import Run

_SHORTEST_SNOOZE: Final = timedelta(seconds=1)
_SENDER_SPREAD: Final = timedelta(minutes=1)
_SPREAD_STEPS: Final = 1000


@dataclass(frozen=True, slots=True)
class Sending:
    """An attempt on record, to be called for as soon as that is committed."""

    delivery: Loaded
    attempt: Attempt
    outgoing: Outgoing


def open_next(session: Session, run: Run, delivery: Loaded, means: Means, admission: Admission) -> Sending | Outcome:
    """Open the next attempt at a delivery that is locked and has no unresolved one, or end the run saying why not.

    A delivery whose time is over is cancelled, as by a hard block and by a soft one that time doesn't lift. Quiet hours
    put it off, and so does a sender that the provider refuses, or a provider that is not to be called now.
    """
    ending = (
        _too_late(session, delivery, means)
        or _behind(delivery, means)
        or _held_back(delivery, means)
        # Before the gate, which writes down whatever it is asked: thousands may wait for a provider, and come to ask
        # every few seconds. What is admitted and then stopped is given back.
        or _not_now(session, delivery, admission)
        or _blocked(session, delivery, means)
        or _no_sender(session, delivery, means)
        or _not_its_turn(session, delivery, means)
    )
    if ending is not None:
        return run.finish(session, ending)
    attempt = Attempt(new_id(), means.clock.now(), "sending")
    repository.open_attempt(session, delivery, attempt, _provider_name(delivery, means), "sending")
    return Sending(delivery, attempt, outgoing(delivery, attempt.id, means))


def outgoing(delivery: Loaded, attempt_id: UUID, means: Means) -> Outgoing:
    """Return the message of one attempt as its provider takes it."""
    if delivery.channel == "email":
        return _outgoing_email(delivery, attempt_id, means)
    return outgoing_sms(delivery, attempt_id, means)


def outgoing_sms(delivery: Loaded, attempt_id: UUID, means: Means) -> OutgoingSms:
    """Return the text of one attempt."""
    return OutgoingSms(
        attempt_id=attempt_id,
        org_id=delivery.org_id,
        client_id=delivery.client_id,
        to=delivery.to_address,
        body=delivery.body,
        from_number=delivery.sms_number,
        messaging_service_sid=delivery.messaging_service_sid,
        status_callback=f"{means.public_url}/webhooks/twilio/status?attempt={attempt_id}",
        valid_for=None if delivery.seconds_left is None else timedelta(seconds=delivery.seconds_left),
    )


def _outgoing_email(delivery: Loaded, attempt_id: UUID, means: Means) -> OutgoingEmail:
    email = OutgoingEmail(
        attempt_id=attempt_id,
        org_id=delivery.org_id,
        client_id=delivery.client_id,
        to=delivery.to_address,
        subject=delivery.subject or "",
        body=delivery.body,
        html_body=delivery.html_body,
        sender_name=delivery.client_name,
    )
    return with_way_out(email, delivery.purpose, means.unsubscribe)


def put_off(delivery: Loaded, until: datetime, reason: str) -> Snooze:
    """Return the end of a run that must wait; no longer than the delivery is of use, so that its end is noticed."""
    return Snooze(until if delivery.expires_at is None else min(until, delivery.expires_at), reason)


def _provider_name(delivery: Loaded, means: Means) -> str:
    return means.provider_of(delivery.channel).name


def _too_late(session: Session, delivery: Loaded, means: Means) -> Outcome | None:
    if not delivery.expired:
        return None
    failure = Failure("Its time was over before it could be sent; it was not sent late.", "expired")
    attempt = Attempt(new_id(), means.clock.now(), "blocked")
    repository.open_attempt(session, delivery, attempt, _provider_name(delivery, means), "cancelled", failure)
    tell_of_failure(session, delivery)
    return Cancel(failure.text)


def _behind(delivery: Loaded, means: Means) -> Outcome | None:
    """Return the end of a run whose delivery would overtake an earlier one to the same person."""
    return put_off(delivery, means.clock.now() + LOOK_AGAIN, WAITS_FOR_EARLIER) if delivery.behind else None


def _held_back(delivery: Loaded, means: Means) -> Outcome | None:
    """Return the end of a run whose sender the provider refuses, unless it is time to try it."""
    if delivery.probe_at is None or delivery.probe_due:
        return None
    return _wait_for_turn(delivery, delivery.probe_at, means)


def _wait_for_turn(delivery: Loaded, probe_at: datetime, means: Means) -> Outcome:
    # Spread by the id, so that all that waits for a sender doesn't come at once.
    spread = _SENDER_SPREAD * ((delivery.id.int % _SPREAD_STEPS) / _SPREAD_STEPS)
    until = max(probe_at, means.clock.now() + _SHORTEST_SNOOZE) + spread
    return put_off(delivery, until, "The provider refuses the sender; it waits until that is put right.")


def _not_now(session: Session, delivery: Loaded, admission: Admission) -> Outcome | None:
    held = admission.ask(delivery.channel, delivery.client_id)
    if held is None:
        return None
    return put_off(delivery, held.until + spread(session, delivery.client_id), held.reason)


def _not_its_turn(session: Session, delivery: Loaded, means: Means) -> Outcome | None:
    """Return the end of a run that would try a refused sender when another does."""
    if delivery.flag_id is not None and not take_probe(session, delivery.flag_id):
        return _wait_for_turn(delivery, means.clock.now() + PROBE_WITHIN, means)
    return None


def _blocked(session: Session, delivery: Loaded, means: Means) -> Outcome | None:
    decision = _ask_gate(session, delivery, means)
    return None if decision is None else _stop(session, delivery, decision, means)


def _ask_gate(session: Session, delivery: Loaded, means: Means) -> Decision | None:
    """Return the decision that stops this delivery now, or None."""
    snapshot = load_snapshot(
        session,
        delivery.client_id,
        now=means.clock.now(),
        recipient_opted_out=delivery.opted_out,
        direct_reply=delivery.direct_reply,
        taken_over_until=delivery.taken_over_until,
    )
    for guard in guards(delivery.purpose, direct_reply=delivery.direct_reply, opted_out=delivery.opted_out):
        decision = decide(
            session, guard, snapshot, subject=f"delivery:{delivery.id}", correlation_id=delivery.correlation_id
        )
        if not decision.allowed:
            return decision
    return None


def guards(purpose: str, *, direct_reply: bool, opted_out: bool) -> list[Guard]:
    """Return what must be asked before a delivery leaves.

    A composed reply must still be wanted as a reply; a fallback is what a soft block there calls for. An owner is
    alerted at any hour, but not against an opt-out of that number.
    """
    match purpose:
        case "owner_alert" | "test":
            alert = [Guard.CAN_PROCESS_NOTIFICATION_REQUEST]
            return [*alert, Guard.CAN_SEND_SMS] if opted_out else alert
        case "reply" if direct_reply:
            return [Guard.CAN_PROCESS_CUSTOMER_MESSAGE]
        case "reply":
            return [Guard.CAN_PROCESS_CUSTOMER_MESSAGE, Guard.CAN_SEND_SMS]
        case "fallback":
            return [Guard.NOT_TAKEN_OVER, Guard.CAN_SEND_SMS]
        case _:
            return [Guard.CAN_SEND_SMS]


def _stop(session: Session, delivery: Loaded, blocked: Decision, means: Means) -> Outcome:
    now = means.clock.now()
    if blocked.retry_at is not None:
        return put_off(delivery, max(blocked.retry_at, now + _SHORTEST_SNOOZE), blocked.reason)
    failure = Failure(blocked.reason, blocked.guard.value)
    attempt = Attempt(new_id(), now, "blocked")
    repository.open_attempt(session, delivery, attempt, _provider_name(delivery, means), "cancelled", failure)
    return Cancel(blocked.reason)


def _no_sender(session: Session, delivery: Loaded, means: Means) -> Outcome | None:
    if delivery.sender is not None:
        return None
    error_class = ErrorClass.CONFIGURATION
    failure = Failure("The client has neither a telephone number nor a Messaging Service to send from.", error_class)
    attempt = Attempt(new_id(), means.clock.now(), "not_sent")
    repository.open_attempt(session, delivery, attempt, _provider_name(delivery, means), "failed", failure)
    tell_of_failure(session, delivery)
    return Dead(failure.text, error_class)
