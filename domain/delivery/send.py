"""Send one delivery: open an attempt and commit, call the provider, record what came of it.

No transaction is open during a call. A run that finds an attempt of which nobody knows the end (its worker died, the
answer was lost) first finds that out: see `reconcile`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import structlog
from sqlalchemy.orm import Session

from domain.delivery import repository
from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.failing import tell_of_failure
from domain.delivery.means import Admission, Means, came_to, unreached
from domain.delivery.messages import SendDelivery
from domain.delivery.opening import Sending, open_next, put_off
from domain.delivery.opt_outs import record_opt_out
from domain.delivery.policy import (
    CALL_WITHIN,
    SETTLING,
    TREATMENTS,
    ErrorClass,
    Meaning,
    may_retry,
    meaning,
    wait_before_retry,
    wait_for_provider,
)
from domain.delivery.ports import Accepted
from domain.delivery.reconcile import await_settling, moved_by_report, reconcile, record_accepted
from domain.delivery.repository import Attempt, Failure, Loaded
from domain.delivery.resending import resend_at
from domain.delivery.sender_flags import flag_sender
from domain.delivery.states import State
from domain.kernel.errors import NotFoundError
from domain.kernel.redaction import redact_text
from domain.queue.finish import RunLostError
from domain.queue.outcome import Cancel, Dead, Done, Outcome, Retry, Snooze
from domain.queue.run import Run

_LONGEST_TEXT: Final = 300
_NOT_CALLED: Final = Failure("The worker was held up before the call; nothing was sent.")
_log = structlog.get_logger(__name__)


class DeliveryGoneError(NotFoundError):
    """The delivery that was to be sent is gone, with its client or by erasure."""

    permanent = True


def send_delivery(message: SendDelivery, run: Run, means: Means) -> Outcome:
    """Bring a delivery as far as it can be brought now.

    Raises DeliveryGoneError, and RunLostError when the run was given up meanwhile; what a provider took is on record
    even then.
    """
    with Admission(means) as admission:
        begun = _begin(message, run, means, admission)
        if isinstance(begun, tuple):
            begun = reconcile(run, *begun, means, admission, only_look=message.only_look)
        return _call(run, begun, means, admission) if isinstance(begun, Sending) else begun


def _begin(
    message: SendDelivery, run: Run, means: Means, admission: Admission
) -> tuple[Loaded, Attempt] | Sending | Outcome:
    """Return the attempt to call for, or the delivery and the attempt to look for first, or the run's end."""
    with run.scope() as session:
        delivery = repository.lock_delivery(session, message.delivery_id)
        if delivery is None:
            raise DeliveryGoneError
        if delivery.taken:
            return run.finish(session, Done("The provider has it already."))
        if delivery.state == "cancelled":
            return run.finish(session, Cancel("It was cancelled."))
        last = repository.last_try(session, delivery.id) if delivery.attempts else None
        if last is not None and last.attempt.outcome in repository.UNRESOLVED:
            return await_settling(session, run, delivery, last.attempt, means) or (delivery, last.attempt)
        until = resend_at(last)
        if until is not None:
            return run.finish(session, put_off(delivery, until, "The last try failed at the provider; the next waits."))
        return open_next(session, run, delivery, means, admission)


def _call(run: Run, sending: Sending, means: Means, admission: Admission) -> Outcome:
    """Call the provider, with no transaction open, and record what came of it."""
    held_up = means.clock.now() - sending.attempt.started_at
    # Less than nothing: the clock was set back, so nobody knows how long it took.
    if not timedelta(0) <= held_up < CALL_WITHIN:
        return _not_called(run, sending, means)
    try:
        accepted = means.hand_over(sending.outgoing)
    except ProviderRejectedError as error:
        found = meaning(error.code, error.http_status, error.name)
        admission.settle(came_to(error, found.error_class))
        if TREATMENTS[found.error_class].action == "reconcile":
            return _unknown(run, sending, found, means, error)
        return _rejected(run, sending, found, error, means)
    except OutcomeUnknownError as error:
        admission.settle("failed")
        return _unknown(run, sending, Meaning(ErrorClass.AMBIGUOUS, str(error)), means)
    except Exception:  # noqa: BLE001  # whatever went wrong on the way, it may have been sent
        admission.settle("failed")
        _log.exception("send_failed_unexpectedly", delivery_id=str(sending.delivery.id))
        return _unknown(run, sending, Meaning(ErrorClass.AMBIGUOUS, "The adapter failed."), means)
    admission.settle("answered")
    return _accepted(run, sending, accepted, means)


def _accepted(run: Run, sending: Sending, accepted: Accepted, means: Means) -> Outcome:
    try:
        with run.scope() as session:
            return run.finish(session, record_accepted(session, sending.delivery, sending.attempt, accepted, means))
    except RunLostError:
        # Another run may be looking for it already: tell it.
        with run.scope() as session:
            record_accepted(session, sending.delivery, sending.attempt, accepted, means)
        raise


def _not_called(run: Run, sending: Sending, means: Means) -> Outcome:
    with run.scope() as session:
        now = means.clock.now()
        _end(session, sending, "not_sent", "pending", now, _NOT_CALLED)
        return run.finish(session, Snooze(now, _NOT_CALLED.text))


def _unknown(
    run: Run, sending: Sending, found: Meaning, means: Means, error: ProviderRejectedError | None = None
) -> Outcome:
    code = None if error is None or error.code is None else str(error.code)
    wait = max(SETTLING, (error and error.retry_after) or SETTLING)
    failure = Failure(found.words, found.error_class, code)
    with run.scope() as session:
        now = means.clock.now()
        if not _end(session, sending, "unknown", "unknown", now, failure):
            return run.finish(session, moved_by_report(session, sending.delivery, now))
        if run.last:
            # It may have been sent, so it is looked for before the job is given up.
            return run.finish(session, Snooze(now + wait, found.words))
        return run.finish(session, Retry(found.words, wait, found.error_class))


def _rejected(run: Run, sending: Sending, found: Meaning, error: ProviderRejectedError, means: Means) -> Outcome:
    delivery, now = sending.delivery, means.clock.now()
    code = error.name if error.code is None else str(error.code)
    failure = Failure(_words(found, error, delivery), found.error_class, code)
    with run.scope() as session:
        # As receipts do: first the delivery, then what hangs on it.
        repository.hold(session, delivery.id)
        outcome = _after_refusal(session, run, delivery, failure, found, error, now)
        state: State = "pending" if isinstance(outcome, Retry | Snooze) else "failed"
        if not _end(session, sending, "rejected", state, now, failure):
            return run.finish(session, moved_by_report(session, sending.delivery, now))
        return run.finish(session, outcome)


def _after_refusal(
    session: Session,
    run: Run,
    delivery: Loaded,
    failure: Failure,
    found: Meaning,
    error: ProviderRejectedError,
    now: datetime,
) -> Outcome:
    """Return how the run ends, with what else follows from the error."""
    if found.error_class is ErrorClass.OPTED_OUT:
        _opt_out(session, delivery)
    wait = wait_for_provider(now - delivery.asked_at) if unreached(error) else None
    if wait is not None:
        return put_off(delivery, now + wait, failure.text)
    match TREATMENTS[found.error_class].action:
        case "hold":
            return put_off(delivery, flag_sender(session, delivery, failure), failure.text)
        case "fail":
            tell_of_failure(session, delivery)
            return Done(f"Not delivered: {failure.text}")
        case "retry" if may_retry(found.error_class, run.tries):
            wait = wait_before_retry(found.error_class, run.tries, now, error.retry_after)
            return Retry(failure.text, wait, found.error_class)
        case _:
            # A person may have it sent after all; until then nobody else tries anything.
            tell_of_failure(session, delivery)
            return Dead(failure.text, found.error_class)


def _end(
    session: Session,
    sending: Sending,
    outcome: Literal["rejected", "unknown", "not_sent"],
    state: State,
    at: datetime,
    failure: Failure,
) -> bool:
    delivery, attempt_id = sending.delivery, sending.attempt.id
    return repository.end_attempt(session, delivery, attempt_id, outcome, state, at=at, failure=failure)


def _words(found: Meaning, error: ProviderRejectedError, delivery: Loaded) -> str:
    """Return what went wrong; in the provider's words too where ours say little, without the text or a number."""
    if found.error_class is not ErrorClass.UNCLASSIFIED:
        return found.words
    said = redact_text(error.message.replace(delivery.body, "[text]").replace(delivery.to_address, "[phone]"))
    return f"{found.words} It says: {said[:_LONGEST_TEXT]}" if said else found.words


def _opt_out(session: Session, delivery: Loaded) -> None:
    record_opt_out(
        session,
        org_id=delivery.org_id,
        client_id=delivery.client_id,
        channel="sms",
        address=delivery.to_address,
        source="provider",
    )
