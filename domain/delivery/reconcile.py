"""Find out what became of an attempt whose end nobody knows, before anything is sent again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog
from sqlalchemy.orm import Session

from domain.delivery import repository
from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.means import Admission, Means, came_to
from domain.delivery.opening import Sending, open_next, outgoing_sms
from domain.delivery.policy import (
    IN_FLIGHT,
    SETTLING,
    TREATMENTS,
    TWIN_PAUSE,
    meaning,
    state_of,
    wait_before_retry,
)
from domain.delivery.ports import Accepted
from domain.delivery.repository import Attempt, Failure, Loaded
from domain.queue.outcome import Dead, Done, Outcome, Retry, Snooze
from domain.queue.run import Run

_NOT_THERE: Final = Failure("The provider has no such message: it was not sent.")
_log = structlog.get_logger(__name__)


def await_settling(session: Session, run: Run, delivery: Loaded, attempt: Attempt, means: Means) -> Outcome | None:
    """Mark a found attempt as unknown. Ends the run when it is too early to look for it; None when it is time."""
    now = means.clock.now()
    if attempt.outcome != "unknown":
        repository.close_attempt(session, attempt.id, "unknown", at=now)
        repository.mark(session, delivery.id, "unknown")
    settled = attempt.started_at + SETTLING
    if now < settled:
        return run.finish(session, Snooze(settled, "An attempt at it may still be under way."))
    return None


def reconcile(run: Run, delivery: Loaded, attempt: Attempt, means: Means, admission: Admission) -> Sending | Outcome:
    """Ask the provider about an attempt: end the run when it took the message, else open the next attempt.

    When the provider can't tell, the run is retried and at last dead: a person decides, nothing is sent blindly.
    """
    found = _look(run, delivery, attempt, means, admission)
    if isinstance(found, Outcome):
        return found
    with run.scope() as session:
        current = repository.lock_delivery(session, delivery.id)
        if current is None or current.taken:
            return run.finish(session, Done("A receipt said meanwhile that it was sent."))
        repository.hold_twins(session, current)
        now = means.clock.now()
        # A message of theirs that is not on record yet would be taken for ours.
        if found and repository.twin_in_flight(session, current, IN_FLIGHT):
            return run.finish(session, Snooze(now + TWIN_PAUSE, "The same text to the same recipient is under way."))
        others = repository.taken_by_others(session, current.id, [each.provider_id for each in found])
        ours = next((each for each in found if each.provider_id not in others), None)
        if ours is not None:
            record_accepted(session, current, attempt, ours, means)
            return run.finish(session, Done("The provider had taken it, as it says."))
        repository.close_attempt(session, attempt.id, "not_sent", at=now, failure=_NOT_THERE)
        return open_next(session, run, current, means, admission)


def _look(
    run: Run, delivery: Loaded, attempt: Attempt, means: Means, admission: Admission
) -> Sequence[Accepted] | Outcome:
    """Return the messages that may be this attempt's, or how the run ends when that can't be told now."""
    if delivery.channel == "email":
        return _cannot_tell(run, OutcomeUnknownError("The provider keeps no list."), means)
    held = admission.ask(delivery.channel, delivery.client_id)
    if held is not None:
        return Snooze(held.until, held.reason)
    try:
        found = means.sms.find(outgoing_sms(delivery, attempt.id, means), attempt.started_at)
    except ProviderRejectedError as error:
        admission.settle(came_to(error, meaning(error.code, error.http_status).error_class))
        return _cannot_tell(run, error, means)
    except OutcomeUnknownError as error:
        admission.settle("failed")
        return _cannot_tell(run, error, means)
    admission.settle("answered")
    return found


def record_accepted(session: Session, delivery: Loaded, attempt: Attempt, accepted: Accepted, means: Means) -> None:
    """Record that a provider has the message."""
    repository.accept(
        session,
        delivery.id,
        attempt.id,
        state=state_of(accepted.status),
        provider_id=accepted.provider_id,
        at=means.clock.now(),
    )


def _cannot_tell(run: Run, error: ProviderRejectedError | OutcomeUnknownError, means: Means) -> Outcome:
    found = meaning(30410)
    asked = None
    if isinstance(error, ProviderRejectedError):
        found, asked = meaning(error.code, error.http_status), error.retry_after
    words = f"It is not known whether it was sent, and the provider does not say. {found.words}"
    if TREATMENTS[found.error_class].action in ("fail", "operator"):
        return Dead(words, found.error_class)
    return Retry(words, wait_before_retry(found.error_class, run.tries, means.clock.now(), asked), found.error_class)
