"""GET /api/v1/spool: what waits for the database."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from api.access.requires import requires
from api.deps import SettingsDep
from api.spool.standing import standings

router = APIRouter(tags=["operations"])


class Store(BaseModel):
    """One store. `rejected`: entries kept aside for a person, because nobody could take them."""

    store: str
    entries: int
    oldest_seconds: float
    rejected: int


class SpoolStanding(BaseModel):
    """What all stores hold that this process can see; `items` lacks Redis while that is away."""

    entries: int
    oldest_seconds: float
    items: list[Store]


@router.get("/api/v1/spool", dependencies=[requires("health.view")])
def spool(settings: SettingsDep) -> SpoolStanding:
    """Tell how many webhooks wait for the database, where, and since when."""
    found = standings(settings.data_dir / "spool", settings.redis_url.get_secret_value())
    return SpoolStanding(
        entries=sum(standing.entries for standing in found),
        oldest_seconds=max((standing.oldest_seconds for standing in found), default=0.0),
        items=[
            Store(
                store=standing.store,
                entries=standing.entries,
                oldest_seconds=standing.oldest_seconds,
                rejected=standing.rejected,
            )
            for standing in found
        ],
    )
