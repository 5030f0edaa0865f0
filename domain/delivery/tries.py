"""What the reports of one message mean for its try, and for the delivery if no later try has taken its place.

A try that failed late is followed by another one where its error allows that; then the delivery waits again, and has no
provider's id until the next try is taken. Reports of an old try leave the new one alone, with one exception: what was
delivered after all is not sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from domain.delivery.counting import note_state
from domain.delivery.failing import tell_of_failure
from domain.delivery.messages import SendDelivery
from domain.delivery.policy import TREATMENTS, Meaning, may_retry
from domain.delivery.repository import Loaded
from domain.delivery.resending import resend_wait
from domain.delivery.sender_flags import clear_flag
from domain.delivery.states import FAILED_STATES, Verdict, verdict
from domain.delivery.telling import tell_sent
from domain.kernel.database import raw_connection
from domain.notices.raising import NoticeKind, resolve_notice
from domain.queue.enqueue import enqueue

# `newest`: no later attempt has gone, or may have gone, to the provider.
_FIND: Final = """
    SELECT l.id, l.outcome, l.provider_id, l.started_at, now(),
           NOT EXISTS (SELECT FROM notification_logs n
                       WHERE n.delivery_id = l.delivery_id AND n.attempt > l.attempt
                         AND n.outcome IN ('sending', 'unknown', 'accepted', 'failed')),
           (SELECT count(*) FROM notification_logs f
            WHERE f.delivery_id = l.delivery_id AND f.outcome = 'failed' AND f.id <> l.id),
           (SELECT jsonb_agg(jsonb_build_array(r.status, r.error_code)) FROM delivery_receipts r
            WHERE r.delivery_id = l.delivery_id AND r.provider_id = %(provider_id)s)
    FROM notification_logs l
    WHERE l.delivery_id = %(delivery_id)s AND (l.id = %(attempt_id)s OR l.provider_id = %(provider_id)s)
    ORDER BY (l.id = %(attempt_id)s) DESC NULLS LAST
    LIMIT 1
"""
_CLOSE: Final = """
    UPDATE notification_logs
    SET outcome = %(outcome)s, provider_id = %(provider_id)s, error_code = %(error_code)s,
        error_class = %(error_class)s, error_text = %(error_text)s,
        finished_at = CASE WHEN finished_at IS NULL OR %(failed_now)s THEN now() ELSE finished_at END
    WHERE id = %(id)s
"""
_MOVE: Final = """
    UPDATE deliveries
    SET state = %(state)s, provider_id = %(provider_id)s, error_code = %(error_code)s, error_text = %(error_text)s,
        asked_person_at = NULL, closed_at = NULL, updated_at = now()
    WHERE id = %(id)s
"""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Try:
    """The attempt that a report is of, and all reports of its message (status, error code) so far.

    `failed_before`: how many other tries of the delivery failed late. `now` is the database's time.
    """

    id: UUID
    outcome: str
    provider_id: str | None
    started_at: datetime
    now: datetime
    newest: bool
    failed_before: int
    reports: Sequence[tuple[str, str | None]] | None


def find_try(session: Session, delivery_id: UUID, attempt_id: UUID | None, provider_id: str) -> Try | None:
    """Return the attempt that a report names, else that of the provider's id."""
    parameters = {"delivery_id": delivery_id, "attempt_id": attempt_id, "provider_id": provider_id}
    row = raw_connection(session).execute(_FIND, parameters).fetchone()
    return None if row is None else Try(*row)


def settle_try(
    session: Session, delivery: Loaded, found: Try, provider_id: str, meaning: Callable[[str | None], Meaning]
) -> None:
    """Bring a try, and its locked delivery, to where all reports of the try's message point."""
    if found.provider_id not in (None, provider_id):
        _log.warning("attempt_has_another_message", delivery_id=str(delivery.id), attempt_id=str(found.id))
    if not found.newest and found.outcome in ("not_sent", "rejected"):
        _log.warning("message_was_sent_twice", delivery_id=str(delivery.id), attempt_id=str(found.id))
    outcome = verdict([(status, code) for status, code in found.reports or ()], meaning)
    if outcome is None:
        return
    again = outcome.again and _may_be_sent_again(delivery, found, outcome)
    _close_try(session, found, provider_id, outcome, failed=again)
    if found.outcome not in ("accepted", "failed") and delivery.listened:
        tell_sent(session, delivery, provider_id, found.now)
    if not _moves(delivery, found, outcome):
        return
    if again:
        _send_again(session, delivery, found, outcome)
    else:
        _move(session, delivery, found, outcome, provider_id)


def _moves(delivery: Loaded, found: Try, outcome: Verdict) -> bool:
    """Return whether the delivery follows this try."""
    return found.newest or (outcome.state == "delivered" and delivery.provider_id is None)


def _may_be_sent_again(delivery: Loaded, found: Try, outcome: Verdict) -> bool:
    assert outcome.failure is not None  # noqa: S101  # it failed
    if delivery.state == "cancelled" and found.outcome != "failed":
        return False
    error_class = outcome.failure.error_class
    if TREATMENTS[error_class].action == "hold":
        return not delivery.expired
    tries = found.failed_before + 1
    at = found.now + resend_wait(error_class, tries, found.now)
    return may_retry(error_class, tries) and (delivery.expires_at is None or at < delivery.expires_at)


def _close_try(session: Session, found: Try, provider_id: str, outcome: Verdict, *, failed: bool) -> None:
    failure, closed = outcome.failure, "failed" if failed else "accepted"
    if failure is None and (found.outcome, found.provider_id) == (closed, provider_id):
        return
    raw_connection(session).execute(
        _CLOSE,
        {
            "id": found.id,
            "outcome": closed,
            "failed_now": failed and found.outcome != "failed",
            "provider_id": provider_id,
            "error_code": outcome.error_code,
            "error_class": failure and failure.error_class,
            "error_text": failure and failure.words,
        },
    )


def _send_again(session: Session, delivery: Loaded, found: Try, outcome: Verdict) -> None:
    """Let the delivery wait for its next try. A job of it that lives finds out by itself how long."""
    waits = delivery.state == "pending" and delivery.provider_id is None
    if found.outcome != "failed" or waits:
        _set(session, delivery, outcome, "pending", None)
    if found.outcome == "failed":
        return
    assert outcome.failure is not None  # noqa: S101  # it failed
    wait = resend_wait(outcome.failure.error_class, found.failed_before + 1, found.now)
    enqueue(
        session,
        SendDelivery(delivery.id),
        org_id=delivery.org_id,
        correlation_id=delivery.correlation_id,
        subject=f"delivery:{delivery.id}",
        run_at=found.now + wait,
        unique_key=str(delivery.id),
    )


def _move(session: Session, delivery: Loaded, found: Try, outcome: Verdict, provider_id: str) -> None:
    # Of two reports of one failure, the later one may be the one that says why.
    if outcome.failure is not None or (delivery.state, delivery.provider_id) != (outcome.state, provider_id):
        _set(session, delivery, outcome, outcome.state, provider_id)
    if delivery.state != outcome.state:
        note_state(session, delivery, outcome.state)
    if delivery.state == "unknown":
        subject = f"delivery:{delivery.id}"
        resolve_notice(session, NoticeKind.OUTCOME_UNKNOWN, subject, org_id=delivery.org_id, by="a report")
    if outcome.state in FAILED_STATES and delivery.state not in FAILED_STATES:
        tell_of_failure(session, delivery)
    if outcome.state in ("sent", "delivered") and delivery.flag_id is not None:
        clear_flag(session, delivery.flag_id, by="a message that was sent", since=found.started_at)


def _set(session: Session, delivery: Loaded, outcome: Verdict, state: str, provider_id: str | None) -> None:
    raw_connection(session).execute(
        _MOVE,
        {
            "id": delivery.id,
            "state": state,
            "provider_id": provider_id,
            "error_code": outcome.error_code,
            "error_text": outcome.failure and outcome.failure.words,
        },
    )
