"""Name an endpoint, change it, delete it. Every change is audited; URLs are shown there without path and query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update

from domain.audit.record import Act, Actor, record
from domain.clients.models import Client
from domain.kernel.database import Database
from domain.kernel.errors import NotFoundError
from domain.kernel.ids import new_id
from domain.kernel.reasons import fit_reason
from domain.notices.raising import NoticeKind, resolve_notice
from domain.queue.limits import LimitRule, set_limit
from domain.queue.message import spec_of
from domain.tenancy.models import Organization
from domain.webhooks.disable import disable
from domain.webhooks.errors import EndpointNotFoundError, TooManyEndpointsError, UnfitEndpointError
from domain.webhooks.events import EVERYTHING, SUBSCRIBABLE
from domain.webhooks.means import WebhookMeans
from domain.webhooks.messages import SendWebhook
from domain.webhooks.models import Endpoint
from domain.webhooks.wire import new_secret

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MOST_ENDPOINTS: Final = 20
"""Of one organization: each event is stored and sent once for every one of them."""
ROTATION: Final = timedelta(hours=24)
"""How long the previous secret signs as well after a rotation."""
CALLS_AT_ONCE: Final = 4
"""In all workers together, unless an operator sets another limit: receivers that hang leave places for texts."""
_LONGEST_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint as it is asked for. With a client it is told of that client alone."""

    org_id: UUID
    client_id: UUID | None
    url: str
    events: Sequence[str]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be another; None leaves it as it is."""

    url: str | None = None
    events: Sequence[str] | None = None
    description: str | None = None


def limit_calls(database: Database) -> None:
    """Limit how many calls run at once, before the first endpoint of all; later on that is an operator's to change.

    The limit is the platform's, and so is this transaction, whoever creates the endpoint.
    """
    with database.platform_scope() as session:
        if not session.scalar(select(exists().where(Endpoint.id.is_not(None)))):
            set_limit(session, LimitRule(kind=spec_of(SendWebhook).kind, max_running=CALLS_AT_ONCE))


def create_endpoint(session: Session, new: NewEndpoint, means: WebhookMeans, actor: Actor) -> tuple[Endpoint, str]:
    """Create an endpoint and return it with its secret, which is shown this once. Call `limit_calls` before.

    Raises UnfitEndpointError, TooManyEndpointsError, and NotFoundError for an organization or client not in this scope.
    """
    # So that two at once are counted one after the other. A tenant may not lock its organization's row.
    lock = func.hashtextextended(f"webhook endpoints of {new.org_id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(lock)))
    if session.scalar(select(Organization.id).where(Organization.id == new.org_id)) is None:
        raise NotFoundError(f"There is no organization {new.org_id}.")
    its_own = exists().where(Client.id == new.client_id, Client.org_id == new.org_id)
    if new.client_id is not None and not session.scalar(select(its_own)):
        raise NotFoundError(f"The organization has no client {new.client_id}.")
    count = session.scalar(select(func.count()).where(Endpoint.org_id == new.org_id)) or 0
    if count >= MOST_ENDPOINTS:
        raise TooManyEndpointsError(f"The organization has {count} endpoints, the most that it may have. Delete one.")
    secret = new_secret()
    endpoint = Endpoint(
        id=new_id(),
        org_id=new.org_id,
        client_id=new.client_id,
        url=_fit_url(new.url, means),
        events=_fit_events(new.events),
        description=_fit_text(new.description, "description"),
        sealed_secret=means.sealer.seal(secret),
    )
    session.add(endpoint)
    session.flush()
    session.refresh(endpoint)
    _audit(session, actor, "create", endpoint, after=_shown(endpoint))
    return endpoint, secret


def change_endpoint(
    session: Session, endpoint_id: UUID, changes: Changes, means: WebhookMeans, actor: Actor
) -> Endpoint:
    """Change an endpoint; what waits for it goes to the new URL.

    Raises EndpointNotFoundError and UnfitEndpointError.
    """
    endpoint = locked(session, endpoint_id)
    before = _shown(endpoint)
    if changes.url is not None:
        endpoint.url = _fit_url(changes.url, means)
    if changes.events is not None:
        endpoint.events = _fit_events(changes.events)
    if changes.description is not None:
        endpoint.description = _fit_text(changes.description, "description")
    endpoint.updated_at = means.clock.now()
    session.flush()
    _audit(session, actor, "change", endpoint, before=before, after=_shown(endpoint))
    return endpoint


def delete_endpoint(session: Session, endpoint_id: UUID, actor: Actor) -> None:
    """Delete an endpoint with all that is on record about calls of it. Raises EndpointNotFoundError."""
    endpoint = locked(session, endpoint_id)
    _audit(session, actor, "delete", endpoint, before=_shown(endpoint))
    _resolve(session, endpoint, actor)
    session.execute(delete(Endpoint).where(Endpoint.id == endpoint_id))


def rotate_secret(session: Session, endpoint_id: UUID, means: WebhookMeans, actor: Actor) -> tuple[Endpoint, str]:
    """Give an endpoint a new secret and return it, this once. The previous one signs as well for `ROTATION`.

    Raises EndpointNotFoundError.
    """
    endpoint = locked(session, endpoint_id)
    secret, now = new_secret(), means.clock.now()
    endpoint.sealed_previous_secret = endpoint.sealed_secret
    endpoint.sealed_secret = means.sealer.seal(secret)
    endpoint.previous_until = now + ROTATION
    endpoint.updated_at = now
    session.flush()
    _audit(session, actor, "rotate_secret", endpoint)
    return endpoint, secret


def enable_endpoint(session: Session, endpoint_id: UUID, means: WebhookMeans, actor: Actor) -> Endpoint:
    """Call an endpoint again, from the next event on; what it missed is not replayed by itself.

    Raises EndpointNotFoundError.
    """
    endpoint = locked(session, endpoint_id)
    if not endpoint.enabled:
        session.execute(
            update(Endpoint)
            .where(Endpoint.id == endpoint_id)
            .values(
                enabled=True,
                failing_since=None,
                failures=0,
                held_until=None,
                disabled_at=None,
                disabled_because=None,
                updated_at=means.clock.now(),
            )
        )
        session.refresh(endpoint)
        _audit(session, actor, "enable", endpoint)
        _resolve(session, endpoint, actor)
    return endpoint


def disable_endpoint(
    session: Session, endpoint_id: UUID, reason: str, means: WebhookMeans, actor: Actor
) -> tuple[Endpoint, int]:
    """Call an endpoint no more and cancel what waits for it; return it and how many that were.

    Raises EndpointNotFoundError, ReasonMissingError.
    """
    reason = fit_reason(reason)
    endpoint = locked(session, endpoint_id)
    cancelled = 0
    if endpoint.enabled:
        cancelled = disable(session, endpoint_id, reason, means.clock.now())
        session.refresh(endpoint)
        _audit(session, actor, "disable", endpoint, reason=reason)
    return endpoint, cancelled


def locked(session: Session, endpoint_id: UUID) -> Endpoint:
    """Return an endpoint that nobody else changes until this transaction ends; events for it are emitted meanwhile.

    Raises EndpointNotFoundError.
    """
    found = session.scalar(select(Endpoint).where(Endpoint.id == endpoint_id).with_for_update(key_share=True))
    if found is None:
        raise EndpointNotFoundError(f"There is no webhook endpoint {endpoint_id}.")
    return found


def place(url: str) -> str:
    """Return a URL without its path and query, which often hold a receiver's token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _fit_url(url: str, means: WebhookMeans) -> str:
    objection = means.caller.objection(url)
    if objection is not None:
        raise UnfitEndpointError(objection)
    return url


def _fit_events(events: Sequence[str]) -> list[str]:
    unknown = sorted(set(events) - {EVERYTHING, *SUBSCRIBABLE})
    if unknown or not events:
        wrong = f"There is no event {unknown[0]!r}" if unknown else "Name at least one event"
        raise UnfitEndpointError(f"{wrong}. There are: {', '.join(sorted(SUBSCRIBABLE))}; or {EVERYTHING} for all.")
    return sorted({str(event) for event in events})


def _fit_text(text: str, what: str) -> str:
    if len(text) > _LONGEST_TEXT or not text.replace("\n", " ").isprintable():
        raise UnfitEndpointError(f"Write the {what} in at most {_LONGEST_TEXT} printable characters.")
    return text


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return {"url": place(endpoint.url), "events": endpoint.events, "description": endpoint.description}


def _audit(
    session: Session,
    actor: Actor,
    verb: str,
    endpoint: Endpoint,
    *,
    reason: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    act = Act(
        f"webhook_endpoint.{verb}",
        "webhook_endpoint",
        str(endpoint.id),
        reason=reason,
        before=before,
        after=after,
        org_id=endpoint.org_id,
        client_id=endpoint.client_id,
    )
    record(session, actor, act)


def _resolve(session: Session, endpoint: Endpoint, actor: Actor) -> None:
    kind = NoticeKind.WEBHOOK_DISABLED
    resolve_notice(session, kind, str(endpoint.id), org_id=endpoint.org_id, by=actor.name)
