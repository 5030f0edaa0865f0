"""Queues: seen, paused, resumed, drained; limits and weights changed while everything runs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api.access.requires import Access, requires
from api.deps import SettingsDep
from api.schemas.paging import After, Page, cursor, id_position
from api.schemas.paging import Limit as PageLimit
from api.schemas.queues import (
    LimitDocument,
    LimitRequest,
    MaybeWhy,
    QueueDocument,
    QueueList,
    WeightDocument,
    WeightList,
    WeightRequest,
    Why,
    limit_document,
    queue_document,
)
from config.settings import Settings
from domain.audit import queue as administration
from domain.queue.limits import list_limits
from domain.queue.overview import queue_status, queue_statuses
from domain.queue.weights import weights

router = APIRouter(tags=["Queues"])
Viewing = Annotated[Access, requires("queues.view")]
Changing = Annotated[Access, requires("queues.change")]


@router.get("/api/v1/queues")
def queues(access: Viewing, settings: SettingsDep) -> QueueList:
    """Return all queues with their depths, and why one is paused."""
    with access.platform() as session:
        found = queue_statuses(session)
    return QueueList(items=[queue_document(status, settings.queue_window) for status in found])


@router.get("/api/v1/queues/{name}")
def one_queue(name: str, access: Viewing, settings: SettingsDep) -> QueueDocument:
    """Return one queue."""
    return _one(access, settings, name)


@router.post("/api/v1/queues/{name}/pause")
def pause(name: str, why: Why, access: Changing, settings: SettingsDep) -> QueueDocument:
    """Stop handing out a queue's jobs; what runs goes on."""
    with access.platform() as session:
        administration.pause_queue(session, name, why.reason, access.actor)
    return _one(access, settings, name)


@router.post("/api/v1/queues/{name}/resume")
def resume(name: str, why: MaybeWhy, access: Changing, settings: SettingsDep) -> QueueDocument:
    """Hand out a queue's jobs again; ends a draining as well."""
    with access.platform() as session:
        administration.resume_queue(session, name, access.actor, why.reason)
    return _one(access, settings, name)


@router.post("/api/v1/queues/{name}/drain")
def drain(name: str, why: Why, access: Changing, settings: SettingsDep) -> QueueDocument:
    """Have a queue worked until nothing waits or runs, then paused; it is over when `draining_at` is gone."""
    with access.platform() as session:
        administration.drain_queue(session, name, why.reason, access.actor)
    return _one(access, settings, name)


@router.get("/api/v1/limits")
def limits(
    access: Viewing, tenant_id: UUID | None = None, limit: PageLimit = 50, after: After = None
) -> Page[LimitDocument]:
    """Return the limits on tenants, kinds and keys, and how many jobs each holds back."""
    with access.platform() as session:
        found = list_limits(session, tenant_id=tenant_id, limit=limit, after=id_position(after))
    items = [limit_document(one) for one in found]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.put("/api/v1/limits")
def set_limit(wanted: LimitRequest, access: Changing) -> dict[str, UUID]:
    """Set a limit, or change the one on the same tenant, kind and key; return its id."""
    with access.platform() as session:
        return {"id": administration.set_limit(session, wanted.rule(), access.actor, wanted.reason)}


@router.delete("/api/v1/limits/{limit_id}", status_code=204)
def remove_limit(limit_id: UUID, access: Changing) -> None:
    """Remove a limit; what it held back may run."""
    with access.platform() as session:
        administration.remove_limit(session, limit_id, access.actor)


@router.get("/api/v1/weights")
def all_weights(access: Viewing) -> WeightList:
    """Return the tenants that get more than one job a round."""
    with access.platform() as session:
        found = weights(session)
    return WeightList(items=[WeightDocument(tenant_id=tenant, weight=weight) for tenant, weight in found.items()])


@router.put("/api/v1/weights/{tenant_id}")
def set_weight(tenant_id: UUID, wanted: WeightRequest, access: Changing) -> WeightDocument:
    """Give a tenant so many jobs in each round; 1 is everybody's."""
    with access.platform() as session:
        administration.set_weight(session, tenant_id, wanted.weight, access.actor, wanted.reason)
    return WeightDocument(tenant_id=tenant_id, weight=wanted.weight)


def _one(access: Access, settings: Settings, name: str) -> QueueDocument:
    with access.platform() as session:
        return queue_document(queue_status(session, name), settings.queue_window)
