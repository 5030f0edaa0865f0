"""End deliveries that nothing would end any more, because their job was cancelled, or died and was discarded.

What was not begun is cancelled. What may have been sent is looked for; that sends nothing, as somebody did not want it.
A dead letter is somebody's to decide about and told of already; but where it leaves open whether its text was sent, a
person is asked that too: the job that would look for it may be what kills workers.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from domain.delivery import repository
from domain.delivery.failing import tell_of_failure
from domain.delivery.messages import SendDelivery, SweepDeliveries
from domain.delivery.reconcile import ask_person
from domain.delivery.repository import Loaded
from domain.kernel.database import raw_connection
from domain.queue.enqueue import enqueue
from domain.queue.message import spec_of
from domain.queue.outcome import Done, Outcome
from domain.queue.run import Run

LEFT_ALONE: Final = timedelta(minutes=15)
"""What changed within that time is not looked at: whoever cancelled its job may have plans for it."""
PAGE: Final = 1_000
RUN_FOR: Final = timedelta(seconds=60)

_CANCELLED: Final = "Its job was cancelled or discarded."
_DIED: Final = "the job that sent it died, and is not run again by itself"
_log = structlog.get_logger(__name__)

# A page is read in the order of `deliveries_unsent`, whatever the statistics say: else all that is unsent is sorted for
# each.
BY_KEY: Final = """
    SELECT set_config(name, 'off', true)
    FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_sort', 'enable_incremental_sort']) AS plan (name)
"""
# Written as probes of `jobs_unique_key` and of `jobs_dead_unique_key`, whose collation it names: as EXISTS, PostgreSQL
# may gather the keys of everything that is alive instead.
_FIND: Final = """
    WITH p AS MATERIALIZED (
        SELECT id, org_id, client_id, to_address, state,
               asked_person_at IS NULL AND updated_at <= now() - %(left_alone)s AS due
        FROM deliveries WHERE state IN ('pending', 'sending', 'unknown') AND {which}
    )
    SELECT p.client_id, p.to_address, p.id,
           CASE WHEN NOT p.due OR live.found THEN 'leave'
                WHEN p.state = 'pending' THEN CASE WHEN dead.found THEN 'leave' ELSE 'cancel' END
                WHEN dead.found THEN 'ask' ELSE 'look' END
    FROM p LEFT JOIN LATERAL (
        SELECT true AS found FROM jobs
        WHERE p.due AND org_id = p.org_id AND kind = %(kind)s AND unique_key = p.id::text
            AND state IN ('scheduled', 'available', 'executing', 'retryable')
        LIMIT 1
    ) live ON true LEFT JOIN LATERAL (
        SELECT true AS found FROM jobs
        WHERE p.due AND live.found IS NULL AND org_id = p.org_id AND kind = %(kind)s AND unique_key = p.id::text
            AND state COLLATE "C" = 'dead'
        LIMIT 1
    ) dead ON true
    ORDER BY p.client_id, p.to_address, p.id
"""
FIND_PAGE: Final = _FIND.replace(
    "{which}",
    """(client_id, to_address, id) > (%(client_id)s, %(to_address)s, %(id)s)
        ORDER BY client_id, to_address, id LIMIT %(page)s""",
)
_FIND_ONE: Final = _FIND.replace("{which}", "id = %(id)s")
PARAMETERS: Final = {"left_alone": LEFT_ALONE, "kind": spec_of(SendDelivery).kind, "page": PAGE}


class _Found(NamedTuple):
    """A delivery that has not left, and what is to be done about it."""

    client_id: UUID
    to_address: str
    id: UUID
    step: Literal["leave", "cancel", "look", "ask"]


def sweep_deliveries(message: SweepDeliveries, run: Run) -> Outcome:
    """Look at all that has not left, page by page, for a minute at most."""
    del message
    begun, ended = time.monotonic(), 0
    after: _Found | None = _Found(UUID(int=0), "", UUID(int=0), "leave")
    while after is not None:
        with run.scope() as session:
            place = {"client_id": after.client_id, "to_address": after.to_address, "id": after.id}
            connection = raw_connection(session)
            connection.execute(BY_KEY)
            rows = connection.execute(FIND_PAGE, PARAMETERS | place).fetchall()
        found = [_Found(*row) for row in rows]
        for each in found:
            if each.step != "leave":
                ended += _end(run, each.id)
            if time.monotonic() - begun >= RUN_FOR.total_seconds():
                return Done(f"Ended {ended}; the rest is looked at next time.")
        after = found[-1] if len(found) == PAGE else None
    return Done(f"Ended {ended}.")


def _end(run: Run, delivery_id: UUID) -> bool:
    """Bring one delivery towards its end, unless something moves it by now; return whether that was done."""
    with run.scope() as session:
        delivery = repository.lock_delivery(session, delivery_id)
        if delivery is None or delivery.taken:
            return False
        row = raw_connection(session).execute(_FIND_ONE, PARAMETERS | {"id": delivery_id}).fetchone()
        step = "leave" if row is None else _Found(*row).step
        match step:
            case "leave":
                return False
            case "cancel":
                repository.cancel(session, delivery, _CANCELLED)
                tell_of_failure(session, delivery)
            case "look":
                _look_for(session, delivery)
            case "ask":
                _ask(session, delivery)
    _log.warning("delivery_abandoned", delivery_id=str(delivery_id), state=delivery.state, step=step)
    return True


def _look_for(session: Session, delivery: Loaded) -> None:
    enqueue(
        session,
        SendDelivery(delivery.id, only_look=True),
        org_id=delivery.org_id,
        correlation_id=delivery.correlation_id,
        subject=f"delivery:{delivery.id}",
        unique_key=str(delivery.id),
    )


def _ask(session: Session, delivery: Loaded) -> None:
    last = repository.last_try(session, delivery.id)
    if last is not None and last.attempt.outcome == "sending":
        repository.end_attempt(session, delivery, last.attempt.id, "unknown", "unknown", at=last.now)
    ask_person(session, delivery, _DIED)
