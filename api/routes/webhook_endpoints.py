"""Tenants' webhook endpoints, for administrators: name, change, test, and replay."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api.access.requires import Access, requires
from api.deps import DatabaseDep, WebhooksDep
from api.errors import ProblemError
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

router = APIRouter(tags=["webhooks"])
Viewing = Annotated[Access, requires("webhooks.view")]
Changing = Annotated[Access, requires("webhooks.change")]
Removing = Annotated[Access, requires("webhooks.remove")]


@router.get("/api/v1/webhook-endpoints")
def list_(
    access: Viewing,
    org_id: UUID | None = None,
    client_id: UUID | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[EndpointDocument]:
    """List endpoints, of one organization or client if asked."""
    with access.scope() as session:
        found = list_endpoints(session, org_id=org_id, client_id=client_id, limit=limit, after=id_position(after))
    items = [EndpointDocument.model_validate(one) for one in found]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.post("/api/v1/webhook-endpoints", status_code=201)
def create(
    new: NewEndpointDocument, access: Changing, database: DatabaseDep, webhooks: WebhooksDep
) -> EndpointWithSecret:
    """Create an endpoint. The answer holds its secret, which is shown this once."""
    org_id = new.org_id or access.org_id
    if org_id is None:
        raise ProblemError(422, "Say of which organization, by `org_id` or by the header X-Org-Id.")
    wanted = endpoints.NewEndpoint(org_id, new.client_id, new.url, new.events, new.description)
    endpoints.limit_calls(database)
    with access.scope_of(org_id) as session:
        return EndpointWithSecret.of(*endpoints.create_endpoint(session, wanted, webhooks, access.actor))


@router.get("/api/v1/webhook-endpoints/{endpoint_id}")
def show(endpoint_id: UUID, access: Viewing) -> EndpointDocument:
    """Show an endpoint."""
    with access.scope() as session:
        return EndpointDocument.model_validate(get_endpoint(session, endpoint_id))


@router.patch("/api/v1/webhook-endpoints/{endpoint_id}")
def change(endpoint_id: UUID, changes: ChangesDocument, access: Changing, webhooks: WebhooksDep) -> EndpointDocument:
    """Change an endpoint. What waits for it goes to the new URL."""
    wanted = endpoints.Changes(changes.url, changes.events, changes.description)
    with access.scope() as session:
        changed = endpoints.change_endpoint(session, endpoint_id, wanted, webhooks, access.actor)
        return EndpointDocument.model_validate(changed)


@router.delete("/api/v1/webhook-endpoints/{endpoint_id}", status_code=204)
def delete(endpoint_id: UUID, access: Removing) -> None:
    """Delete an endpoint with all that is on record about calls of it."""
    with access.scope() as session:
        endpoints.delete_endpoint(session, endpoint_id, access.actor)


@router.post("/api/v1/webhook-endpoints/{endpoint_id}/rotate-secret")
def rotate_secret(endpoint_id: UUID, access: Changing, webhooks: WebhooksDep) -> EndpointWithSecret:
    """Give an endpoint a new secret, shown this once. Until `previous_until` the one before signs as well."""
    with access.scope() as session:
        return EndpointWithSecret.of(*endpoints.rotate_secret(session, endpoint_id, webhooks, access.actor))


@router.post("/api/v1/webhook-endpoints/{endpoint_id}/enable")
def enable(endpoint_id: UUID, access: Changing, webhooks: WebhooksDep) -> EndpointDocument:
    """Call an endpoint again, from the next event on. Replay what it missed."""
    with access.scope() as session:
        enabled = endpoints.enable_endpoint(session, endpoint_id, webhooks, access.actor)
        return EndpointDocument.model_validate(enabled)


@router.post("/api/v1/webhook-endpoints/{endpoint_id}/disable")
def disable(endpoint_id: UUID, why: DisableDocument, access: Changing, webhooks: WebhooksDep) -> DisabledEndpoint:
    """Call an endpoint no more and cancel what waits for it."""
    with access.scope() as session:
        endpoint, cancelled = endpoints.disable_endpoint(session, endpoint_id, why.reason, webhooks, access.actor)
        return DisabledEndpoint(**EndpointDocument.model_validate(endpoint).model_dump(), cancelled=cancelled)


@router.post("/api/v1/webhook-endpoints/{endpoint_id}/test")
def test(endpoint_id: UUID, access: Changing, webhooks: WebhooksDep) -> ProbeDocument:
    """Send `webhook.test` now and answer with what came of it: as late as the receiver, after 15 seconds at most."""
    return ProbeDocument.model_validate(probe_endpoint(access.scope, endpoint_id, webhooks, access.actor))


@router.get("/api/v1/webhook-endpoints/{endpoint_id}/sends")
def sends(
    endpoint_id: UUID,
    access: Viewing,
    state: SendState | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[ListedSendDocument]:
    """List what was sent to an endpoint, with every call."""
    with access.scope() as session:
        items = [
            ListedSendDocument.of(one)
            for one in list_sends(session, endpoint_id, state=state, limit=limit, after=id_position(after))
        ]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.post("/api/v1/webhook-sends/{send_id}/replay", status_code=202)
def replay_one(send_id: UUID, access: Changing, webhooks: WebhooksDep) -> SendDocument:
    """Send an event again, at once. One that is on its way already is answered as it is."""
    with access.scope() as session:
        return SendDocument.model_validate(replay_send(session, send_id, webhooks, access.actor))


@router.post("/api/v1/webhook-endpoints/{endpoint_id}/replay", status_code=202)
def replay(endpoint_id: UUID, which: RangeDocument, access: Changing) -> ReplayDocument:
    """Send the events of a time again, by a job; answers how many that will be."""
    wanted = Range(which.start, which.end, which.types, which.only_missed)
    with access.scope() as session:
        return ReplayDocument.model_validate(replay_range(session, endpoint_id, wanted, access.actor))
