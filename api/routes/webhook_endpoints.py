"""Tenants' webhook endpoints, for administrators: name, change, test, and replay."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from api.deps import ActorDep, DatabaseDep, RequireAdmin, WebhooksDep
from api.schemas.paging import After, Limit, Page, cursor, id_position
from api.schemas.webhooks import (
    ChangesDocument,
    DisabledEndpoint,
    DisableDocument,
    EndpointDocument,
    EndpointWithSecret,
    ListedSendDocument,
    NewEndpointDocument,
    ProbeDocument,
    RangeDocument,
    ReplayDocument,
    SendDocument,
)
from domain.webhooks import endpoints
from domain.webhooks.listing import get_endpoint, list_endpoints, list_sends
from domain.webhooks.models import SendState
from domain.webhooks.probe import probe_endpoint
from domain.webhooks.replay import Range, replay_range, replay_send

router = APIRouter(tags=["webhooks"], dependencies=[RequireAdmin])


@router.get("/api/v1/webhook-endpoints")
def list_(
    database: DatabaseDep,
    org_id: UUID | None = None,
    client_id: UUID | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[EndpointDocument]:
    """List endpoints, of one organization or client if asked."""
    with database.platform_scope() as session:
        found = list_endpoints(session, org_id=org_id, client_id=client_id, limit=limit, after=id_position(after))
    items = [EndpointDocument.model_validate(one) for one in found]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.post("/api/v1/webhook-endpoints", status_code=201)
def create(
    new: NewEndpointDocument, database: DatabaseDep, webhooks: WebhooksDep, actor: ActorDep
) -> EndpointWithSecret:
    """Create an endpoint. The answer holds its secret, which is shown this once."""
    wanted = endpoints.NewEndpoint(new.org_id, new.client_id, new.url, new.events, new.description)
    with database.platform_scope() as session:
        return EndpointWithSecret.of(*endpoints.create_endpoint(session, wanted, webhooks, actor))


@router.get("/api/v1/webhook-endpoints/{endpoint_id}")
def show(endpoint_id: UUID, database: DatabaseDep) -> EndpointDocument:
    """Show an endpoint."""
    with database.platform_scope() as session:
        return EndpointDocument.model_validate(get_endpoint(session, endpoint_id))


@router.patch("/api/v1/webhook-endpoints/{endpoint_id}")
def change(
    endpoint_id: UUID, changes: ChangesDocument, database: DatabaseDep, webhooks: WebhooksDep, actor: ActorDep
) -> EndpointDocument:
    """Change an endpoint. What waits for it goes to the new URL."""
    wanted = endpoints.Changes(changes.url, changes.events, changes.description)
    with database.platform_scope() as session:
        return EndpointDocument.model_validate(endpoints.change_endpoint(session, endpoint_id, wanted, webhooks, actor))


@router.delete("/api/v1/webhook-endpoints/{endpoint_id}", status_code=204)
def delete(endpoint_id: UUID, database: DatabaseDep, actor: ActorDep) -> None:
    """Delete an endpoint with all that is on record about calls of it."""
    with database.platform_scope() as session:
        endpoints.delete_endpoint(session, endpoint_id, actor)


@router.post("/api/v1/webhook-endpoints/{endpoint_id}/rotate-secret")
def rotate_secret(
    endpoint_id: UUID, database: DatabaseDep, webhooks: WebhooksDep, actor: ActorDep
) -> EndpointWithSecret:
    """Give an endpoint a new secret, shown this once. Until `previous_until` the one before signs as well."""
    with database.platform_scope() as session:
        return EndpointWithSecret.of(*endpoints.rotate_secret(session, endpoint_id, webhooks, actor))


@router.post("/api/v1/webhook-endpoints/{endpoint_id}/enable")
def enable(endpoint_id: UUID, database: DatabaseDep, webhooks: WebhooksDep, actor: ActorDep) -> EndpointDocument:
    """Call an endpoint again, from the next event on. Replay what it missed."""
    with database.platform_scope() as session:
        return EndpointDocument.model_validate(endpoints.enable_endpoint(session, endpoint_id, webhooks, actor))


@router.post("/api/v1/webhook-endpoints/{endpoint_id}/disable")
def disable(
    endpoint_id: UUID, why: DisableDocument, database: DatabaseDep, webhooks: WebhooksDep, actor: ActorDep
) -> DisabledEndpoint:
    """Call an endpoint no more and cancel what waits for it."""
    with database.platform_scope() as session:
        endpoint, cancelled = endpoints.disable_endpoint(session, endpoint_id, why.reason, webhooks, actor)
        return DisabledEndpoint(**EndpointDocument.model_validate(endpoint).model_dump(), cancelled=cancelled)


@router.post("/api/v1/webhook-endpoints/{endpoint_id}/test")
def test(endpoint_id: UUID, database: DatabaseDep, webhooks: WebhooksDep, actor: ActorDep) -> ProbeDocument:
    """Send `webhook.test` now and answer with what came of it: as late as the receiver, after 15 seconds at most."""
    return ProbeDocument.model_validate(probe_endpoint(database, endpoint_id, webhooks, actor))


@router.get("/api/v1/webhook-endpoints/{endpoint_id}/sends")
def sends(
    endpoint_id: UUID,
    database: DatabaseDep,
    state: SendState | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[ListedSendDocument]:
    """List what was sent to an endpoint, with every call."""
    with database.platform_scope() as session:
        items = [
            ListedSendDocument.of(one)
            for one in list_sends(session, endpoint_id, state=state, limit=limit, after=id_position(after))
        ]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.post("/api/v1/webhook-sends/{send_id}/replay", status_code=202)
def replay_one(send_id: UUID, database: DatabaseDep, webhooks: WebhooksDep, actor: ActorDep) -> SendDocument:
    """Send an event again, at once. One that is on its way already is answered as it is."""
    with database.platform_scope() as session:
        return SendDocument.model_validate(replay_send(session, send_id, webhooks, actor))


@router.post("/api/v1/webhook-endpoints/{endpoint_id}/replay", status_code=202)
def replay(endpoint_id: UUID, which: RangeDocument, database: DatabaseDep, actor: ActorDep) -> ReplayDocument:
    """Send the events of a time again, by a job; answers how many that will be."""
    wanted = Range(which.start, which.end, which.types, which.only_missed)
    with database.platform_scope() as session:
        return ReplayDocument.model_validate(replay_range(session, endpoint_id, wanted, actor))
