"""Tell one endpoint of one event: open an attempt and commit, call, record what came of it.

Receivers are told at least once: a call whose outcome is unknown is simply made again, and the receiver knows by the
`webhook-id` that it has the event already.

An endpoint that is down is held: of all that waits for it, one call at a time finds out whether it is up again. So a
dead endpoint costs one waiting call now and then, not one for each event.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from domain.flags.definitions import DISABLE_AFTER_HOURS
from domain.flags.inforce import flags_of, whole
from domain.kernel.ids import new_id
from domain.queue.outcome import Cancel, Done, Outcome, Retry, Snooze
from domain.queue.run import Run
from domain.webhooks import repository, wire
from domain.webhooks.disable import disable_failing, disable_gone
from domain.webhooks.errors import SecretUnreadableError, SendNotFoundError
from domain.webhooks.means import WebhookMeans
from domain.webhooks.messages import SendWebhook
from domain.webhooks.policy import (
    PROBE_LEASE,
    SEND_TRIES,
    has_failed_for_good,
    hold,
    is_down,
    spread,
    verdict,
    wait_before_retry,
    words,
)
from domain.webhooks.ports import Answer
from domain.webhooks.repository import Loaded

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Calling:
    send: Loaded
    attempt_id: UUID


def send_webhook(message: SendWebhook, run: Run, means: WebhookMeans) -> Outcome:
    """Make the next try at a send. Raises SendNotFoundError, and RunLostError when the run was given up meanwhile."""
    begun = _begin(message.send_id, run, means)
    if not isinstance(begun, _Calling):
        return begun
    answer = call(begun.send, means)
    return _record(run, begun, answer, means)


def call(send: Loaded, means: WebhookMeans) -> Answer:
    """Call the endpoint of a send, with no transaction open. Never raises."""
    now = means.clock.now()
    content = wire.body(send.event_type, send.occurred_at, send.client_id, send.correlation_id, send.payload)
    try:
        signing = [means.sealer.unseal(send.sealed_secret)]
        if send.sealed_previous_secret and send.previous_until and now < send.previous_until:
            signing.append(means.sealer.unseal(send.sealed_previous_secret))
    except SecretUnreadableError as error:
        _log.error("webhook_secret_unreadable", endpoint_id=str(send.endpoint_id))
        return Answer(None, 0, str(error))
    return means.caller.call(send.url, wire.headers(send.event_id, content, signing, now), content)


def _begin(send_id: UUID, run: Run, means: WebhookMeans) -> _Calling | Outcome:
    """Put the intent to call on record, or return the run's end."""
    now = means.clock.now()
    with run.scope() as session:
        send = repository.load(session, send_id)
        if send is None:
            raise SendNotFoundError
        if send.state != "pending":
            return run.finish(session, Done(f"It is {send.state} already."))
        unwanted = _unwanted(send)
        if unwanted is not None:
            repository.settle(session, send.id, "cancelled", unwanted, now)
            return run.finish(session, Cancel(unwanted))
        if send.held_until is not None and not repository.take_probe(
            session, send.endpoint_id, now=now, lease=now + PROBE_LEASE
        ):
            later = spread(now - (send.failing_since or now)) * random.random()  # noqa: S311  # it spreads load
            return run.finish(session, Snooze(max(send.held_until, now) + later, "The endpoint is down; it is held."))
        calling = _Calling(send, new_id())
        if not repository.open_attempt(session, send.id, calling.attempt_id, now):
            return run.finish(session, Done("It was settled meanwhile."))
        return calling


def _unwanted(send: Loaded) -> str | None:
    if not send.enabled:
        return "The endpoint is disabled."
    return "The organization is suspended." if send.org_status != "active" else None


def _record(run: Run, calling: _Calling, answer: Answer, means: WebhookMeans) -> Outcome:
    send, now = calling.send, means.clock.now()
    with run.scope() as session:
        # The endpoint is locked before its sends, here and wherever both change: no two can wait for each other.
        match verdict(answer):
            case "delivered":
                repository.mark_well(session, send.endpoint_id, now)
                repository.close_attempt(session, calling.attempt_id, answer, answer.error)
                repository.settle(session, send.id, "delivered", None, now)
                return run.finish(session, Done())
            case "gone":
                reason = disable_gone(session, send, now)
                repository.close_attempt(session, calling.attempt_id, answer, words(answer))
                return run.finish(session, Cancel(reason))
            case "failed":
                return run.finish(session, _failed(session, run, calling, answer, means))


def _failed(session: Session, run: Run, calling: _Calling, answer: Answer, means: WebhookMeans) -> Outcome:
    send, now, why = calling.send, means.clock.now(), words(answer)
    health = repository.mark_failing(session, send.endpoint_id, now)
    repository.close_attempt(session, calling.attempt_id, answer, why)
    if health is None:
        return Cancel("The endpoint was disabled or deleted meanwhile.")
    if has_failed_for_good(health, now, _disable_after(session, send)):
        return Cancel(disable_failing(session, send, health, why, now))
    if is_down(answer):
        repository.hold(session, send.endpoint_id, now + hold(now - health.failing_since, answer.retry_after))
    if run.tries >= SEND_TRIES:
        # Not a dead letter: it is the receiver that has to be put right, and a replay is how it then gets the event.
        repository.settle(session, send.id, "failed", why, now)
        return Cancel(f"Given up after {run.tries} tries: {why}")
    return Retry(why, wait_before_retry(run.tries, answer.retry_after), _error_class(answer))


def _disable_after(session: Session, send: Loaded) -> timedelta:
    hours = whole(flags_of(session), DISABLE_AFTER_HOURS, org_id=send.org_id, client_id=send.endpoint_client_id)
    return timedelta(hours=hours)


def _error_class(answer: Answer) -> str:
    return "no_answer" if answer.status is None else f"http_{answer.status}"
