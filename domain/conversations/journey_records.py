"""Read everything that is on record about a message, by its correlation id.

A text that was answered together with later ones has its answer under the last one's id, so that is followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import or_, select

from domain.alerts.models import OwnerAlert
from domain.clients.models import Client
from domain.conversations.models import ThreadMessage
from domain.delivery.models import Delivery, DeliveryReceipt, NotificationLog
from domain.gate.models import GuardLog
from domain.queue.models import Job, JobAttempt
from domain.replies.models import KnowledgeEntry

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session

LIMIT: Final = 500
"""Rows of each kind. A job that was tried more often is a matter for the job's own page."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of a journey. `asked_for` are the messages with the id that was asked for; `messages` holds all."""

    correlation_id: UUID
    org_id: UUID
    client_name: str | None
    messages: Sequence[ThreadMessage]
    decisions: Sequence[GuardLog]
    jobs: Sequence[Job]
    attempts: Sequence[JobAttempt]
    deliveries: Sequence[Delivery]
    send_attempts: Sequence[NotificationLog]
    receipts: Sequence[DeliveryReceipt]
    alerts: Sequence[OwnerAlert]
    sources: Mapping[str, str]
    """The titles of the knowledge that answers rest on, by its ids; what was removed since is missing."""

    @property
    def inbound(self) -> Sequence[ThreadMessage]:
        """What the contact wrote."""
        return [message for message in self.messages if message.direction == "in"]

    @property
    def replies(self) -> Sequence[ThreadMessage]:
        """What was answered."""
        return [message for message in self.messages if message.direction == "out"]


def organization_of(session: Session, correlation_id: UUID) -> UUID | None:
    """Return the organization that a correlation id belongs to, None for one of which this scope shows nothing.

    A scope of some clients is not narrowed to their jobs: there, a job alone shows nothing.
    """
    places = [
        (ThreadMessage.org_id, ThreadMessage.correlation_id),
        (Job.org_id, Job.correlation_id),
        (Delivery.org_id, Delivery.correlation_id),
        (OwnerAlert.org_id, OwnerAlert.correlation_id),
    ]
    for owner, correlation in places:
        if owner is Job.org_id and "client_ids" in session.info:
            continue
        found: UUID | None = session.scalar(select(owner).where(correlation == correlation_id).limit(1))
        if found is not None:
            return found
    return None


def read_records(session: Session, org_id: UUID, correlation_id: UUID) -> Records:
    """Return the rows of a journey. Needs the organization's scope."""
    messages = _messages(session, correlation_id)
    correlations = {correlation_id, *(message.correlation_id for message in messages)}
    jobs = _all(session, Job, Job.correlation_id.in_(correlations))
    deliveries = _all(
        session,
        Delivery,
        or_(Delivery.correlation_id.in_(correlations), Delivery.message_id.in_([message.id for message in messages])),
    )
    delivery_ids = [delivery.id for delivery in deliveries]
    clients = {message.client_id for message in messages} | {delivery.client_id for delivery in deliveries}
    return Records(
        correlation_id=correlation_id,
        org_id=org_id,
        client_name=session.scalar(select(Client.name).where(Client.id.in_(clients)).limit(1)),
        messages=messages,
        decisions=_all(session, GuardLog, GuardLog.correlation_id.in_(correlations)),
        jobs=jobs,
        attempts=_all(
            session, JobAttempt, JobAttempt.job_id.in_([job.id for job in jobs]), order_by=JobAttempt.started_at
        ),
        deliveries=deliveries,
        send_attempts=_all(session, NotificationLog, NotificationLog.delivery_id.in_(delivery_ids)),
        receipts=_all(session, DeliveryReceipt, DeliveryReceipt.delivery_id.in_(delivery_ids)),
        alerts=_all(session, OwnerAlert, OwnerAlert.correlation_id.in_(correlations)),
        sources=_titles(session, messages),
    )


def _titles(session: Session, messages: Sequence[ThreadMessage]) -> Mapping[str, str]:
    ids = {UUID(source) for message in messages for source in message.sources}
    if not ids:
        return {}
    titles = select(KnowledgeEntry.id, KnowledgeEntry.title).where(KnowledgeEntry.id.in_(ids))
    return {str(entry_id): title for entry_id, title in session.execute(titles)}


def _messages(session: Session, correlation_id: UUID) -> Sequence[ThreadMessage]:
    """Return the messages with this id, their answers, and what those answered besides."""
    found = _all(session, ThreadMessage, ThreadMessage.correlation_id == correlation_id)
    answers = {message.answered_by for message in found} - {None}
    if not answers:
        return found
    beside = or_(ThreadMessage.id.in_(answers), ThreadMessage.answered_by.in_(answers))
    inside = ThreadMessage.conversation_id.in_([message.conversation_id for message in found])
    known = {message.id for message in found}
    return [*found, *(one for one in _all(session, ThreadMessage, beside & inside) if one.id not in known)]


def _all(
    session: Session, model: type[T], which: ColumnElement[bool], *, order_by: InstrumentedAttribute[Any] | None = None
) -> Sequence[T]:
    order = model.id if order_by is None else order_by  # type: ignore[attr-defined]
    return session.scalars(select(model).where(which).order_by(order).limit(LIMIT)).all()
