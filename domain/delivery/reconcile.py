"""Find out what became of an attempt whose end nobody knows, before anything is sent again.

A provider that can't tell is asked again for a day, less and less often; then a person is. Nothing is sent blindly.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.orm import Session

from domain.delivery import repository
from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.failing import tell_of_failure
from domain.delivery.means import Admission, Means, came_to
from domain.delivery.opening import Sending, open_next, outgoing_sms
from domain.delivery.policy import IN_FLIGHT, SETTLING, TWIN_PAUSE, ErrorClass, Meaning, meaning, wait_before_lookup
from domain.delivery.ports import Accepted
from domain.delivery.repository import Attempt, Failure, Loaded
from domain.delivery.sender_flags import clear_flag
from domain.delivery.states import FAILED_STATES, State, state_of
from domain.delivery.telling import tell_sent
from domain.delivery.twins import hold_twins, taken_by_others, twin_in_flight
from domain.notices.raising import NoticeKind, raise_notice, resolve_notice
from domain.queue.outcome import Cancel, Dead, Done, Outcome, Snooze
from domain.queue.run import Run

_MOVED_BY_REPORT: Final = "A report said meanwhile what became of it."
_NOT_THERE: Final = Failure("The provider has no such message: it was not sent.")
_NOT_WANTED: Final = Failure("It was not sent, and its job was cancelled or discarded.")
_KEEPS_NO_LIST: Final = Meaning(meaning(30410).error_class, "The provider keeps no list, and reported nothing.")
_ASK: Final = (
    "Nobody knows whether a message of {client} was sent: {why}. It is not sent again by itself. Look it up at the"
    " provider, then: gatehouse deliveries resolve {id} --sent, --resend or --give-up. A report that comes after all"
    " settles it."
)
_ANSWER_LOST: Final = "the answer was lost, and the provider can't tell"
_log = structlog.get_logger(__name__)


def await_settling(session: Session, run: Run, delivery: Loaded, attempt: Attempt, means: Means) -> Outcome | None:
    """Mark a found attempt as unknown. Ends the run when it is too early to look for it; None when it is time."""
    now = means.clock.now()
    if attempt.outcome != "unknown":
        repository.end_attempt(session, delivery, attempt.id, "unknown", "unknown", at=now)
    settled = attempt.started_at + SETTLING
    if now < settled:
        return run.finish(session, Snooze(settled, "An attempt at it may still be under way."))
    return None


def reconcile(
    run: Run, delivery: Loaded, attempt: Attempt, means: Means, admission: Admission, *, only_look: bool = False
) -> Sending | Outcome:
    """Ask the provider about an attempt: end the run when it took the message, else open the next attempt.

    `only_look`: there is no next one; what was not sent is cancelled.
    """
    found = _look(run, delivery, attempt, means, admission)
    if isinstance(found, Outcome):
        return found
    _log.info("attempt_looked_for", delivery_id=str(delivery.id), attempt_id=str(attempt.id), found=len(found))
    with run.scope() as session:
        current = repository.lock_delivery(session, delivery.id)
        if current is None or current.taken:
            return run.finish(session, Done("A receipt said meanwhile that it was sent."))
        hold_twins(session, current)
        now = means.clock.now()
        # A message of theirs that is not on record yet would be taken for ours.
        if found and twin_in_flight(session, current, IN_FLIGHT):
            return run.finish(session, Snooze(now + TWIN_PAUSE, "The same text to the same recipient is under way."))
        others = taken_by_others(session, attempt.id, [each.provider_id for each in found])
        ours = next((each for each in found if each.provider_id not in others), None)
        # Somebody may have been asked, before the job was run once more by hand.
        subject = f"delivery:{current.id}"
        resolve_notice(session, NoticeKind.OUTCOME_UNKNOWN, subject, org_id=current.org_id, by="the provider")
        if ours is not None:
            return run.finish(session, record_accepted(session, current, attempt, ours, means))
        ending = _end_not_sent(session, run, current, attempt, now, only_look=only_look)
        return open_next(session, run, current, means, admission) if ending is None else run.finish(session, ending)


def _end_not_sent(
    session: Session, run: Run, delivery: Loaded, attempt: Attempt, now: datetime, *, only_look: bool
) -> Outcome | None:
    """Close an attempt that the provider does not have; return how the run ends, None when another try is due."""
    if delivery.state == "cancelled":
        return Cancel("It was cancelled while it was looked for.")
    state: State = "cancelled" if only_look else "failed" if run.last else "pending"
    failure = _NOT_WANTED if only_look else _NOT_THERE
    if not repository.end_attempt(session, delivery, attempt.id, "not_sent", state, at=now, failure=failure):
        return moved_by_report(session, delivery, now)
    if state == "pending":
        return None
    tell_of_failure(session, delivery)
    return Cancel(failure.text) if only_look else Dead(failure.text, ErrorClass.AMBIGUOUS)


def record_accepted(session: Session, delivery: Loaded, attempt: Attempt, accepted: Accepted, means: Means) -> Outcome:
    """Record that a provider has the message, with what follows; return how the run ends."""
    now = means.clock.now()
    state = state_of(accepted.status)
    # One that failed already is followed by a report that says why; until then it counts as taken.
    moved = repository.end_attempt(
        session,
        delivery,
        attempt.id,
        "accepted",
        "accepted" if state in FAILED_STATES else state,
        at=now,
        provider_id=accepted.provider_id,
    )
    if not moved:
        return moved_by_report(session, delivery, now)
    if delivery.flag_id is not None and not delivery.flag_late:
        clear_flag(session, delivery.flag_id, by="a message that was taken")
    if delivery.listened:
        tell_sent(session, delivery, accepted.provider_id, now)
    return Done()


def moved_by_report(session: Session, delivery: Loaded, now: datetime) -> Outcome:
    """Return the end of a run whose attempt a report closed meanwhile."""
    current = repository.lock_delivery(session, delivery.id)
    if current is None or current.taken:
        return Done(_MOVED_BY_REPORT)
    return Snooze(now, _MOVED_BY_REPORT)


def _look(
    run: Run, delivery: Loaded, attempt: Attempt, means: Means, admission: Admission
) -> Sequence[Accepted] | Outcome:
    """Return the messages that may be this attempt's, or how the run ends when that can't be told now."""
    if delivery.channel == "email":
        return _cannot_tell(run, delivery, attempt, _KEEPS_NO_LIST, means)
    held = admission.ask(delivery.channel, delivery.client_id)
    if held is not None:
        return Snooze(held.until, held.reason)
    # The attempt's time is that of a worker's clock, which may have been ahead.
    since = min(attempt.started_at, delivery.asked_at)
    try:
        found = means.sms.find(outgoing_sms(delivery, attempt.id, means), since)
    except ProviderRejectedError as error:
        why = meaning(error.code, error.http_status, error.name)
        admission.settle(came_to(error, why.error_class))
        return _cannot_tell(run, delivery, attempt, why, means)
    except OutcomeUnknownError:
        admission.settle("failed")
        return _cannot_tell(run, delivery, attempt, meaning(30410), means)
    admission.settle("answered")
    return found


def _cannot_tell(run: Run, delivery: Loaded, attempt: Attempt, why: Meaning, means: Means) -> Outcome:
    now = means.clock.now()
    words = f"It is not known whether it was sent. {why.words}"
    wait = wait_before_lookup(now - attempt.started_at, delivery.channel)
    if wait is not None:
        return Snooze(now + wait, words)
    with run.scope() as session:
        current = repository.lock_delivery(session, delivery.id)
        if current is None or current.taken or current.state != "unknown":
            return run.finish(session, moved_by_report(session, delivery, now))
        ask_person(session, delivery, _ANSWER_LOST)
        return run.finish(session, Done(f"{words} A person decides."))


def ask_person(session: Session, delivery: Loaded, why: str) -> None:
    """Have a person decide about an unknown delivery. `why` nobody knows, as words within a sentence."""
    repository.ask_person(session, delivery.id)
    raise_notice(
        session,
        NoticeKind.OUTCOME_UNKNOWN,
        f"delivery:{delivery.id}",
        _ASK.format(client=delivery.client_name, id=delivery.id, why=why),
        org_id=delivery.org_id,
        client_id=delivery.client_id,
    )
