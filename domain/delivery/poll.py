"""Ask providers about messages of which they reported no end for long, so that none stays open for ever.

Callbacks get lost: our address was wrong, or we were away for longer than the provider tries. A few are asked about at
a time, those first that waited longest; what is heard is taken like any receipt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from domain.delivery import repository
from domain.delivery.counting import note_state
from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.failing import tell_of_failure
from domain.delivery.means import Admission, Means, came_to
from domain.delivery.messages import PollDeliveries
from domain.delivery.policy import meaning
from domain.delivery.ports import Report
from domain.delivery.receipts import Receipt, take_receipt
from domain.delivery.sender_flags import clear_outdated
from domain.kernel.database import Database, raw_connection
from domain.queue.outcome import Done, Outcome
from domain.queue.run import Run

ASK_AFTER: Final = timedelta(hours=12)
"""Twilio's advice: a message without a final status after that is asked about. Then again as often."""
GIVE_UP_AFTER: Final = timedelta(hours=72)
"""Nothing is heard any more of a message that did not move for so long: carriers report within a day or two."""
BATCH: Final = 50
RUN_FOR: Final = timedelta(seconds=60)

_OPEN: Final = """
    SELECT d.id, d.client_id, d.provider_id, d.updated_at <= now() - %(give_up_after)s
    FROM deliveries d
    WHERE d.state IN ('accepted', 'sent') AND d.closed_at IS NULL AND d.channel = 'sms' AND d.provider = %(provider)s
        AND d.provider_id IS NOT NULL AND coalesce(d.looked_up_at, d.updated_at) <= now() - %(ask_after)s
    ORDER BY coalesce(d.looked_up_at, d.updated_at), d.id
    LIMIT %(batch)s
"""
_LOOKED_UP: Final = "UPDATE deliveries SET looked_up_at = now() WHERE id = %s"
_CLOSE: Final = """
    UPDATE deliveries SET state = %(state)s, closed_at = now(), error_text = %(words)s WHERE id = %(id)s
"""
# E-mails have no list to ask, and what a person called sent has no id to ask by.
_CLOSE_UNASKED: Final = """
    UPDATE deliveries SET closed_at = now(), error_text = 'No report of its arrival came.'
    WHERE state IN ('accepted', 'sent') AND closed_at IS NULL AND (channel = 'email' OR provider_id IS NULL)
        AND coalesce(looked_up_at, updated_at) <= now() - %(give_up_after)s
"""
_FORGOTTEN: Final = "The provider does not know this message any more, so whether it arrived can't be told."
_NEVER_LEFT: Final = "The provider took it and has not sent it for three days; it was not delivered."
_NO_WORD: Final = "It was sent; the carrier never said whether it arrived."
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Open:
    id: UUID
    client_id: UUID
    provider_id: str
    too_old: bool


def poll_deliveries(message: PollDeliveries, run: Run, means: Means, database: Database) -> Outcome:
    """Ask about what is due, for a minute at most."""
    del message
    begun = means.clock.now()
    with run.scope() as session:
        clear_outdated(session)
        raw_connection(session).execute(_CLOSE_UNASKED, {"give_up_after": GIVE_UP_AFTER})
    asked = 0
    while batch := _due(run, means):
        for each in batch:
            if not _ask(run, each, means, database):
                return Done(f"Asked about {asked}; the provider is not to be asked now.")
            asked += 1
            if means.clock.now() - begun >= RUN_FOR:
                return Done(f"Asked about {asked}; the rest is asked about next time.")
    return Done(f"Asked about {asked}.")


def _due(run: Run, means: Means) -> list[_Open]:
    parameters = {
        "provider": means.sms.name,
        "ask_after": ASK_AFTER,
        "give_up_after": GIVE_UP_AFTER,
        "batch": BATCH,
    }
    with run.scope() as session:
        return [_Open(*row) for row in raw_connection(session).execute(_OPEN, parameters).fetchall()]


def _ask(run: Run, each: _Open, means: Means, database: Database) -> bool:
    """Ask about one message; False when the provider is not to be asked now, or does not answer."""
    with Admission(means) as admission:
        if admission.ask("sms", each.client_id) is not None:
            # One client's trouble must not keep the others' messages from being asked about.
            _note(run, each)
            return True
        try:
            report = means.sms.fetch(each.provider_id)
        except ProviderRejectedError as error:
            found = came_to(error, meaning(error.code, error.http_status).error_class)
            admission.settle(found)
            _note(run, each)
            return found == "answered"
        except OutcomeUnknownError:
            admission.settle("failed")
            return False
        admission.settle("answered")
    _note(run, each)
    if report is not None:
        take_receipt(database, Receipt(each.provider_id, report.status, report.error_code, None))
    if report is None or each.too_old:
        _close(run, each, report)
    return True


def _note(run: Run, each: _Open) -> None:
    with run.scope() as session:
        raw_connection(session).execute(_LOOKED_UP, [each.id])


def _close(run: Run, each: _Open, report: Report | None) -> None:
    """End a delivery of which nothing more will be heard, unless the answer brought it to an end."""
    with run.scope() as session:
        delivery = repository.lock_delivery(session, each.id)
        if delivery is None or delivery.provider_id != each.provider_id or delivery.state not in ("accepted", "sent"):
            return
        never_left = report is not None and delivery.state == "accepted"
        words = _FORGOTTEN if report is None else _NEVER_LEFT if never_left else _NO_WORD
        state = "undelivered" if never_left else delivery.state
        raw_connection(session).execute(_CLOSE, {"id": each.id, "state": state, "words": words})
        if never_left:
            note_state(session, delivery, state)
            tell_of_failure(session, delivery)
    _log.info("delivery_closed", delivery_id=str(each.id), known=report is not None)
