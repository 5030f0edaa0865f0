"""Send what was gathered, as one message, at the end of a window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.alerts.messages import SendDigest
from domain.alerts.owners import keep_others_out, read_owner
from domain.alerts.policy import reaches, words_of
from domain.alerts.raising import open_window
from domain.alerts.sending import Post, ask_gate, note_reach, send, settle_waiting
from domain.alerts.wording import SHOWN, Told, digest
from domain.kernel.clock import Clock
from domain.kernel.database import raw_connection
from domain.queue.enqueue import enqueue
from domain.queue.message import spec_of
from domain.queue.outcome import Cancel, Done, Outcome
from domain.queue.run import Run

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

RESUMED: Final = 500
"""Clients whose waiting alerts are looked after at once."""
_COUNTS: Final = """
    SELECT kind, count(*) FROM owner_alerts WHERE client_id = %s AND state = 'waiting' GROUP BY kind
"""
_LATEST: Final = """
    SELECT kind, summary, created_at FROM owner_alerts WHERE client_id = %s AND state = 'waiting'
    ORDER BY id DESC LIMIT %s
"""
# One probe of the index of what waits for each client that has something waiting, however much that is.
_FORGOTTEN: Final = """
    WITH RECURSIVE waiting AS (
        (SELECT client_id, org_id FROM owner_alerts WHERE state = 'waiting' ORDER BY client_id LIMIT 1)
        UNION ALL
        SELECT next.client_id, next.org_id FROM waiting, LATERAL (
            SELECT client_id, org_id FROM owner_alerts
            WHERE state = 'waiting' AND client_id > waiting.client_id ORDER BY client_id LIMIT 1
        ) next
    )
    SELECT org_id, client_id FROM waiting
    WHERE NOT EXISTS (
        SELECT FROM jobs WHERE org_id = waiting.org_id AND kind = %s AND unique_key = waiting.client_id::text
            AND state IN ('scheduled', 'available', 'executing', 'retryable')
    )
    LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """How many alerts of each kind wait, and the latest of them as they were raised, oldest first."""

    counts: Counter[str]
    latest: Sequence[tuple[str, str, datetime]]


def resume_digests(session: Session) -> int:
    """Have alerts sent that wait although nothing would send them, as when their digest died; return how many clients'.

    They are sent at once: their window is over.
    """
    rows = raw_connection(session).execute(_FORGOTTEN, (spec_of(SendDigest).kind, RESUMED)).fetchall()
    for org_id, client_id in rows:
        enqueue(session, SendDigest(client_id), org_id=org_id, unique_key=str(client_id))
    return len(rows)


def send_digest(message: SendDigest, run: Run, *, clock: Clock) -> Outcome:
    """Send a client's waiting alerts together. When there were any, the next window opens; else the next alert does."""
    with run.scope() as session:
        keep_others_out(session, message.client_id)
        waiting = _waiting(session, message.client_id)
        if not waiting.counts:
            return run.finish(session, Done("Nothing was raised meanwhile."))
        return _send(session, message.client_id, waiting, run, clock.now())


def _send(session: Session, client_id: UUID, waiting: _Waiting, run: Run, now: datetime) -> Outcome:
    owner = read_owner(session, client_id)
    stopped = ask_gate(session, client_id, subject=f"digest:{run.job_id}", correlation_id=None, now=now)
    reached = stopped is None and reaches(owner)
    note_reach(session, owner, client_id, reached=reached, words=words_of(owner, stopped))
    if stopped is not None:
        settle_waiting(session, client_id, reason=stopped)
        return run.finish(session, Cancel(f"The gate blocked the alerts: {stopped}"))
    told = [Told(kind, summary, owner.local(at)) for kind, summary, at in waiting.latest]
    words = digest(owner.client_name, told, waiting.counts)
    delivery_ids, reason = send(session, Post(owner, client_id, words))
    settle_waiting(session, client_id, delivery_ids=delivery_ids, reason=reason or None)
    outcome = run.finish(session, Done(f"Alerts in one message: {waiting.counts.total()}."))
    if owner.collapse:
        open_window(session, client_id, owner, now)
    return outcome


def _waiting(session: Session, client_id: UUID) -> _Waiting:
    """Return what waits. Nobody adds to it meanwhile: others are kept out."""
    connection = raw_connection(session)
    counts: Counter[str] = Counter(dict(connection.execute(_COUNTS, [client_id]).fetchall()))
    latest = connection.execute(_LATEST, (client_id, SHOWN)).fetchall()
    return _Waiting(counts, [(kind, summary, at) for kind, summary, at in reversed(latest)])
