"""Addresses and numbers that a business must not write to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from api.access.requires import Access, requires
from api.schemas.paging import After, Limit, Page, cursor, id_position
from domain.delivery.opt_outs import Channel
from domain.delivery.suppressions import Which, lift, list_suppressions

router = APIRouter(tags=["Suppressions"])


class SuppressionDocument(BaseModel):
    """One address that a client must not write to.

    `source` says who said so: the recipient by a `keyword`, to the `provider`, by a `complaint` or `unsubscribe`; or a
    `bounce`, an `operator` or an `import`.
    """

    id: UUID
    org_id: UUID
    client_id: UUID
    channel: str
    address: str
    source: str
    since: datetime


@router.get("/api/v1/suppressions")
def suppressions(
    access: Annotated[Access, requires("suppressions.view")],
    client: UUID | None = None,
    channel: Channel | None = None,
    address: Annotated[str | None, Query(max_length=254)] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[SuppressionDocument]:
    """Return who must not be written to, the newest first."""
    place = id_position(after)
    with access.scope() as session:
        found = list_suppressions(session, Which(client, channel, address), limit=limit, before_id=place)
        items = [
            SuppressionDocument(
                id=one.id,
                org_id=one.org_id,
                client_id=one.client_id,
                channel=one.channel,
                address=one.address,
                source=one.source,
                since=one.opted_out_at,
            )
            for one in found
        ]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.delete("/api/v1/suppressions/{suppression_id}", status_code=204, response_class=Response)
def remove(
    suppression_id: UUID,
    access: Annotated[Access, requires("suppressions.remove")],
    because: Annotated[str | None, Query(max_length=500, description="Why it may be written to again.")] = None,
) -> Response:
    """Let an address be written to again, on record.

    422 when the recipient itself asked not to be written to and `because` does not say that it asked to be again.
    Twilio refuses a number that texted STOP until that number itself texts START, whatever is done here.
    """
    with access.scope() as session:
        lift(session, suppression_id, access.actor, because=because)
    return Response(status_code=204)
