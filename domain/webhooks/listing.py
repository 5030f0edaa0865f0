"""Endpoints and sends as a person looks at them. In a platform scope, or a tenant's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.webhooks.errors import EndpointNotFoundError
from domain.webhooks.models import Endpoint, Event, Send, SendAttempt, SendState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class ListedSend:
    """A send, the event that it tells of, and the calls that were made, first one first."""

    send: Send
    event: Event
    attempts: Sequence[SendAttempt]


def list_endpoints(
    session: Session,
    *,
    org_id: UUID | None = None,
    client_id: UUID | None = None,
    limit: int = 50,
    after: UUID | None = None,
) -> Sequence[Endpoint]:
    """Return endpoints, oldest first; page on with the last id."""
    statement = select(Endpoint).order_by(Endpoint.id).limit(limit)
    if org_id is not None:
        statement = statement.where(Endpoint.org_id == org_id)
    if client_id is not None:
        statement = statement.where(Endpoint.client_id == client_id)
    if after is not None:
        statement = statement.where(Endpoint.id > after)
    return session.scalars(statement).all()


def get_endpoint(session: Session, endpoint_id: UUID) -> Endpoint:
    """Return an endpoint. Raises EndpointNotFoundError."""
    found = session.get(Endpoint, endpoint_id)
    if found is None:
        raise EndpointNotFoundError(f"There is no webhook endpoint {endpoint_id}.")
    return found


def list_sends(
    session: Session, endpoint_id: UUID, *, state: SendState | None = None, limit: int = 50, after: UUID | None = None
) -> Sequence[ListedSend]:
    """Return the sends to an endpoint, newest first; page on with the last id. Raises EndpointNotFoundError."""
    get_endpoint(session, endpoint_id)
    statement = (
        select(Send, Event)
        .join(Event, Event.id == Send.event_id)
        .where(Send.endpoint_id == endpoint_id)
        .order_by(Send.id.desc())
        .limit(limit)
    )
    if state is not None:
        statement = statement.where(Send.state == state)
    if after is not None:
        statement = statement.where(Send.id < after)
    found = session.execute(statement).all()
    attempts: dict[UUID, list[SendAttempt]] = defaultdict(list)
    made = select(SendAttempt).where(SendAttempt.send_id.in_([send.id for send, _ in found]))
    for attempt in session.scalars(made.order_by(SendAttempt.attempt)):
        attempts[attempt.send_id].append(attempt)
    return [ListedSend(send, event, attempts[send.id]) for send, event in found]
