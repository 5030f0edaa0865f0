"""Send events again: one, or those of a time.

A replay is a new send of the same event, under the same `webhook-id`: a receiver that has the event already knows it.
Of each event and endpoint there is at most one pending send: to ask twice sends once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import select, update

from domain.audit.record import Act, Actor, record
from domain.kernel.clock import Clock
from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.queue.enqueue import enqueue, enqueue_many
from domain.queue.outcome import Cancel, Done, Outcome, Snooze
from domain.queue.run import Run
from domain.webhooks.emit import new_job
from domain.webhooks.endpoints import locked
from domain.webhooks.errors import EndpointDisabledError, SendNotFoundError, UnfitEndpointError
from domain.webhooks.events import EVERYTHING, SUBSCRIBABLE, EventType
from domain.webhooks.means import WebhookMeans
from domain.webhooks.messages import ReplayEvents
from domain.webhooks.models import Endpoint, Event, Send, SendAttempt

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PAGE: Final = 500
"""Events of a replay that are sent in one transaction."""
PAGES_A_RUN: Final = 20
"""Then the job makes room for others and goes on later."""
REPLAY_PRIORITY: Final = 300
"""Later than what happens now."""
UNDER_WAY: Final = timedelta(minutes=2)
"""A send that was made, or whose call began, so lately is left to do its work."""

# Sends of before the request that were not delivered are what was missed, and so are events without any. A pending one
# is on its way already. `since`: sends made after it are this replay's own, of an earlier page or run.
_CHOSEN: Final = """
    FROM webhook_events v
    WHERE v.org_id = %(org_id)s AND v.occurred_at >= %(start)s AND v.occurred_at < %(end)s
        AND v.type = ANY(%(types)s::text[])
        AND (%(client_id)s::uuid IS NULL OR v.client_id = %(client_id)s)
        AND NOT EXISTS (
            SELECT FROM webhook_sends s WHERE s.event_id = v.id AND s.endpoint_id = %(endpoint_id)s
                AND (s.state = 'pending' OR s.created_at >= %(since)s OR (%(only_missed)s AND s.state = 'delivered'))
        )
"""
_COUNT: Final = f"SELECT count(*) {_CHOSEN}"
_PAGE: Final = f"""
    SELECT v.id, v.occurred_at, v.correlation_id, (
        SELECT coalesce(max(s.replay) + 1, 0) FROM webhook_sends s
        WHERE s.event_id = v.id AND s.endpoint_id = %(endpoint_id)s
    )
    {_CHOSEN} AND (v.occurred_at, v.id) > (%(after_at)s, %(after_id)s)
    ORDER BY v.occurred_at, v.id LIMIT %(limit)s
"""  # noqa: S608  # constants of this module
_INSERT: Final = """
    INSERT INTO webhook_sends (id, org_id, event_id, endpoint_id, replay)
    SELECT new.id, %(org_id)s, new.event_id, %(endpoint_id)s, new.replay
    FROM unnest(%(ids)s::uuid[], %(event_ids)s::uuid[], %(replays)s::integer[]) AS new (id, event_id, replay)
    ON CONFLICT (event_id, endpoint_id, replay) DO NOTHING
    RETURNING id, event_id
"""


@dataclass(frozen=True, slots=True)
class Range:
    """Events from `start` up to, not including, `end`.

    Without `types` those that the endpoint subscribes to. `only_missed` leaves out what it took before.
    """

    start: datetime
    end: datetime
    types: Collection[str] = ()
    only_missed: bool = True


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay that was asked for: its job, and how many events it will send as things are now."""

    job_id: UUID
    events: int


def replay_send(session: Session, send_id: UUID, means: WebhookMeans, actor: Actor) -> Send:
    """Send an event once more and return that send, or the one that is on its way already.

    One that waits, for its next try or in a queue, is cancelled, and the new one is tried at once.
    Raises SendNotFoundError and EndpointDisabledError.
    """
    old = session.get(Send, send_id)
    if old is None:
        raise SendNotFoundError(f"There is no send {send_id}.")
    endpoint = _callable(session, old.endpoint_id)
    newest = session.scalars(
        select(Send)
        .where(Send.event_id == old.event_id, Send.endpoint_id == old.endpoint_id)
        .order_by(Send.replay.desc())
        .limit(1)
    ).one()
    if newest.state == "pending":
        if _is_under_way(session, newest, means.clock.now()):
            return newest
        _cancel(session, newest, means.clock.now())
    new = Send(
        id=new_id(), org_id=old.org_id, event_id=old.event_id, endpoint_id=old.endpoint_id, replay=newest.replay + 1
    )
    session.add(new)
    session.flush()
    session.refresh(new)
    correlation_id = session.scalar(select(Event.correlation_id).where(Event.id == old.event_id))
    enqueue_many(session, [new_job(new.id, endpoint.id, correlation_id)], org_id=old.org_id)
    _audit(session, actor, endpoint, "webhook_send.replay", "webhook_send", str(send_id), {"send_id": str(new.id)})
    return new


def replay_range(session: Session, endpoint_id: UUID, which: Range, actor: Actor) -> Replay:
    """Send the events of a time again, by a job.

    To ask for the same while that job is live asks for nothing more.
    Raises EndpointNotFoundError, EndpointDisabledError, and UnfitEndpointError for a range that makes no sense.
    """
    endpoint = _callable(session, endpoint_id)
    types = _types(endpoint, which)
    if which.start.tzinfo is None or which.end.tzinfo is None:
        raise UnfitEndpointError("Give both times with a time zone, as in 2026-01-31T08:00:00Z.")
    if which.start >= which.end:
        raise UnfitEndpointError("The range must end after it begins.")
    row = raw_connection(session).execute("SELECT clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101  # there is always a time
    message = ReplayEvents(endpoint_id, which.start, which.end, types, which.only_missed, row[0])
    count = raw_connection(session).execute(_COUNT, _parameters(endpoint, message)).fetchone()
    key = f"{endpoint_id} {which.start.isoformat()} {which.end.isoformat()} {','.join(types)} {which.only_missed}"
    job_id = enqueue(
        session, message, org_id=endpoint.org_id, subject=f"webhook_endpoint:{endpoint_id}", unique_key=key
    )
    events = int(count[0]) if count else 0
    shown = {"from": which.start.isoformat(), "to": which.end.isoformat(), "types": list(types), "events": events}
    _audit(session, actor, endpoint, "webhook_endpoint.replay", "webhook_endpoint", str(endpoint_id), shown)
    return Replay(job_id, events)


def replay_events(message: ReplayEvents, run: Run, clock: Clock) -> Outcome:
    """Make the sends of a replay, page by page, each in a transaction of its own.

    A run that is cut off loses nothing: what has a send since `asked_at` is not chosen again.
    """
    after = (message.start, UUID(int=0))
    for _ in range(PAGES_A_RUN):
        with run.scope() as session:
            endpoint = session.scalar(select(Endpoint).where(Endpoint.id == message.endpoint_id))
            if endpoint is None or not endpoint.enabled:
                return run.finish(session, Cancel("The endpoint was disabled or deleted meanwhile."))
            following = _send_page(session, endpoint, message, after)
            if following is None:
                return run.finish(session, Done())
            after = following
    with run.scope() as session:
        return run.finish(session, Snooze(clock.now(), "There is more."))


def _send_page(
    session: Session, endpoint: Endpoint, message: ReplayEvents, after: tuple[datetime, UUID]
) -> tuple[datetime, UUID] | None:
    """Make the sends of the next events; return where to go on, None at the end."""
    connection = raw_connection(session)
    place = {"after_at": after[0], "after_id": after[1], "limit": PAGE}
    events = connection.execute(_PAGE, {**_parameters(endpoint, message), **place}).fetchall()
    if not events:
        return None
    sends = {
        "org_id": endpoint.org_id,
        "endpoint_id": endpoint.id,
        "ids": [new_id() for _ in events],
        "event_ids": [event[0] for event in events],
        "replays": [event[3] for event in events],
    }
    correlations = {event[0]: event[2] for event in events}
    made = connection.execute(_INSERT, sends).fetchall()
    jobs = [new_job(send_id, endpoint.id, correlations[event_id]) for send_id, event_id in made]
    enqueue_many(session, jobs, org_id=endpoint.org_id, priority=REPLAY_PRIORITY)
    last = events[-1]
    return (last[1], last[0]) if len(events) == PAGE else None


def _parameters(endpoint: Endpoint, message: ReplayEvents) -> dict[str, Any]:
    return {
        "org_id": endpoint.org_id,
        "endpoint_id": endpoint.id,
        "client_id": endpoint.client_id,
        "start": message.start,
        "end": message.end,
        "types": list(message.types),
        "only_missed": message.only_missed,
        "since": message.asked_at,
    }


def _types(endpoint: Endpoint, which: Range) -> tuple[str, ...]:
    """Return the types to send again. A test is never one of them."""
    unknown = sorted(set(which.types) - SUBSCRIBABLE)
    if unknown:
        raise UnfitEndpointError(f"There is no event {unknown[0]!r}. There are: {', '.join(sorted(SUBSCRIBABLE))}.")
    wanted = set(which.types) or set(endpoint.events)
    chosen = SUBSCRIBABLE if EVERYTHING in wanted else {EventType(one) for one in wanted}
    return tuple(sorted(str(one) for one in chosen))


def _callable(session: Session, endpoint_id: UUID) -> Endpoint:
    endpoint = locked(session, endpoint_id)
    if not endpoint.enabled:
        raise EndpointDisabledError
    return endpoint


def _is_under_way(session: Session, send: Send, now: datetime) -> bool:
    """Return whether a pending send was made or is being called just now: nobody has waited for it yet."""
    newest = select(SendAttempt).where(SendAttempt.send_id == send.id).order_by(SendAttempt.attempt.desc()).limit(1)
    attempt = session.scalars(newest).one_or_none()
    if attempt is not None and attempt.milliseconds is not None:
        return False
    return now - (send.created_at if attempt is None else attempt.started_at) < UNDER_WAY


def _cancel(session: Session, send: Send, now: datetime) -> None:
    session.execute(
        update(Send)
        .where(Send.id == send.id, Send.state == "pending")
        .values(state="cancelled", reason="It was replayed.", settled_at=now)
    )


def _audit(
    session: Session, actor: Actor, endpoint: Endpoint, action: str, kind: str, target_id: str, after: dict[str, Any]
) -> None:
    act = Act(action, kind, target_id, after=after, org_id=endpoint.org_id, client_id=endpoint.client_id)
    record(session, actor, act)
