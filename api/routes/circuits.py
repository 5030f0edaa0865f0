"""Circuits that are open: providers that fail for a client, so that its texts and e-mails wait."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from api.access.requires import requires
from api.deps import SettingsDep
from providers.health.health import SharedHealth
from providers.registry import providers_in_use

router = APIRouter(tags=["Circuits"], dependencies=[requires("health.view")])


class CircuitDocument(BaseModel):
    """One open circuit."""

    provider: str
    client_id: UUID
    open_since: datetime


class CircuitList(BaseModel):
    """All that are open; none while Redis, which has them, is away."""

    items: list[CircuitDocument]


@router.get("/api/v1/circuits")
def open_circuits(settings: SettingsDep) -> CircuitList:
    """Return the open circuits of providers in use, the oldest first.

    Each closes by itself when a call is answered again.
    """
    in_use = providers_in_use(settings)
    with closing(SharedHealth(settings.redis_url.get_secret_value())) as health:
        found = sorted(health.open_circuits().items(), key=lambda item: item[1])
    return CircuitList(
        items=[
            CircuitDocument(provider=provider, client_id=client_id, open_since=datetime.fromtimestamp(since, UTC))
            for (provider, client_id), since in found
            if provider in in_use
        ]
    )
