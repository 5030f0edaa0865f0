"""Find the journey that an id belongs to, whatever thing the id is of: each by one probe of an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import select, true

from domain.alerts.models import OwnerAlert
from domain.audit.models import AuditLog
from domain.clients.models import Client
from domain.conversations.journey_records import organization_of
from domain.conversations.models import ThreadMessage
from domain.delivery.models import Delivery, NotificationLog
from domain.gate.models import GuardLog
from domain.queue.models import Job

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

_ACTS: Final = 20
"""Acts of one request that are looked through for one that is about a journey."""


def journey_with(session: Session, wanted: str) -> UUID | None:
    """Return the correlation id of the journey that an id belongs to, as far as this scope shows it; else None.

    The id may be of a journey itself, a message, job, delivery, attempt at one, decision, alert or conversation; a
    provider's id of a message in or out; or a request's: one that brought a message in, or by which a person did
    something to one of these.
    """
    return next(_journeys(session, wanted), None)


def _journeys(session: Session, wanted: str) -> Iterator[UUID]:
    for correlation_id in _candidates(session, wanted):
        # A scope of some clients shows their journeys alone, whatever the id was of.
        if organization_of(session, correlation_id) is not None:
            yield correlation_id


def _candidates(session: Session, wanted: str) -> Iterator[UUID]:
    try:
        known = UUID(wanted)
    except ValueError:
        yield from _first(session, *_by_provider(wanted))
    else:
        yield known
        yield from _first(session, *_by_id(known))
    yield from _by_request(session, wanted)


def _by_id(wanted: UUID) -> Iterator[Select[Any]]:
    for table in (Job, ThreadMessage, Delivery, GuardLog, OwnerAlert):
        yield select(table.correlation_id).where(table.id == wanted)
    yield _of_delivery(NotificationLog.id == wanted)
    thread = select(ThreadMessage.correlation_id).where(ThreadMessage.conversation_id == wanted)
    yield thread.order_by(ThreadMessage.id.desc())


def _by_provider(wanted: str) -> Iterator[Select[Any]]:
    yield _of_delivery(NotificationLog.provider_id == wanted)
    # Twilio's id of a message is unique by client, so each is asked.
    inbound = select(ThreadMessage.correlation_id.label("found"))
    inbound = inbound.where(ThreadMessage.client_id == Client.id, ThreadMessage.external_id == wanted).limit(1)
    each = inbound.lateral()
    yield select(each.c.found).select_from(Client).join(each, true())


def _of_delivery(which: ColumnElement[bool]) -> Select[Any]:
    log = NotificationLog
    return select(Delivery.correlation_id).join(log, log.delivery_id == Delivery.id).where(which)


def _by_request(session: Session, wanted: str) -> Iterator[UUID]:
    """Give the journeys of what a person did by a request: the things that its acts on record are about."""
    acts = select(AuditLog.target_id).where(AuditLog.request_id == wanted).order_by(AuditLog.id).limit(_ACTS)
    for target in session.scalars(acts):
        try:
            known = UUID(target)
        except ValueError:
            continue
        yield from _first(session, *_by_id(known))


def _first(session: Session, *queries: Select[Any]) -> Iterator[UUID]:
    for query in queries:
        found: UUID | None = session.scalar(query.limit(1))
        if found is not None:
            yield found
