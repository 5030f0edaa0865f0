"""Call an endpoint on request and say what came of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from domain.audit.record import Act, Actor, record
from domain.kernel.ids import new_id
from domain.webhooks.endpoints import locked
from domain.webhooks.events import EventType
from domain.webhooks.means import WebhookMeans
from domain.webhooks.models import Endpoint, Event, Send, SendAttempt
from domain.webhooks.policy import verdict, words
from domain.webhooks.repository import Loaded
from domain.webhooks.send import call

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_ABOUT = "This is a test of your webhook endpoint. Nothing happened."


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of a test call. `webhook_id` is the id that the receiver saw."""

    delivered: bool
    status: int | None
    error: str | None
    milliseconds: int
    webhook_id: UUID


def probe_endpoint(
    scope: Callable[[], AbstractContextManager[Session]], endpoint_id: UUID, means: WebhookMeans, actor: Actor
) -> Probe:
    """Send `webhook.test` to an endpoint, once and also when it is disabled; takes as long as the receiver does.

    `scope` opens one that shows the endpoint, once before the call and once after it.
    It says nothing about how the endpoint does: only real events count. It is on record once it is over.
    Raises EndpointNotFoundError.
    """
    now = means.clock.now()
    with scope() as session:
        endpoint = locked(session, endpoint_id)
        test = _test_of(endpoint, means)
    answer = call(test, means)
    delivered = verdict(answer) == "delivered"
    error = answer.error if delivered else words(answer)
    attempt = SendAttempt(
        id=new_id(),
        org_id=test.org_id,
        send_id=test.id,
        attempt=1,
        status=answer.status,
        error=error,
        started_at=now,
        milliseconds=answer.milliseconds,
    )
    with scope() as session:
        locked(session, endpoint_id)
        _keep(session, test, attempt, delivered=delivered)
        act = Act(
            "webhook_endpoint.test",
            "webhook_endpoint",
            str(endpoint_id),
            after={"status": answer.status, "delivered": delivered},
            org_id=test.org_id,
            client_id=test.client_id,
        )
        record(session, actor, act)
    return Probe(delivered, answer.status, error, answer.milliseconds, test.event_id)


def _test_of(endpoint: Endpoint, means: WebhookMeans) -> Loaded:
    return Loaded(
        id=new_id(),
        org_id=endpoint.org_id,
        state="pending",
        org_status="active",
        endpoint_id=endpoint.id,
        endpoint_client_id=endpoint.client_id,
        url=endpoint.url,
        enabled=True,
        held_until=None,
        failing_since=None,
        sealed_secret=endpoint.sealed_secret,
        sealed_previous_secret=endpoint.sealed_previous_secret,
        previous_until=endpoint.previous_until,
        event_id=new_id(),
        event_type=EventType.WEBHOOK_TEST,
        occurred_at=means.clock.now(),
        client_id=endpoint.client_id,
        correlation_id=None,
        payload={"endpoint_id": str(endpoint.id), "words": _ABOUT},
    )


def _keep(session: Session, test: Loaded, attempt: SendAttempt, *, delivered: bool) -> None:
    event = Event(
        id=test.event_id,
        org_id=test.org_id,
        client_id=test.client_id,
        type=test.event_type,
        payload=test.payload,
        occurred_at=test.occurred_at,
    )
    send = Send(
        id=test.id,
        org_id=test.org_id,
        event_id=test.event_id,
        endpoint_id=test.endpoint_id,
        state="delivered" if delivered else "failed",
        attempts=1,
        reason=None if delivered else attempt.error,
        settled_at=attempt.started_at,
    )
    for row in (event, send, attempt):
        session.add(row)
        session.flush()
