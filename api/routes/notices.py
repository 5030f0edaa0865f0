"""What waits for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.access.requires import Access, requires
from api.schemas.paging import After, Limit, Page, cursor, id_position
from api.schemas.queues import MaybeWhy
from domain.audit.record import Act, record
from domain.kernel.reasons import fit_reason_given
from domain.notices.listing import list_notices, resolve_by_id
from domain.notices.models import Notice

router = APIRouter(tags=["Notices"])


class NoticeDocument(BaseModel):
    """Something that waits for a person, or did. `count`: how often it happened while it was open."""

    id: UUID
    org_id: UUID
    client_id: UUID | None
    kind: str
    subject: str
    words: str
    count: int
    first_at: datetime
    last_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None


@router.get("/api/v1/notices")
def notices(
    access: Annotated[Access, requires("notices.view")],
    kind: Annotated[str | None, Query(max_length=100)] = None,
    org_id: UUID | None = None,
    resolved: Annotated[bool, Query(description="Those that are resolved, instead.")] = False,  # noqa: FBT002
    limit: Limit = 50,
    after: After = None,
) -> Page[NoticeDocument]:
    """Return what waits for a person, the newest first."""
    place = id_position(after)
    with access.scope() as session:
        found = list_notices(session, kind=kind, org_id=org_id, resolved=resolved, limit=limit, before_id=place)
        items = [_notice(notice) for notice in found]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.post("/api/v1/notices/{notice_id}/resolve")
def resolve(notice_id: UUID, why: MaybeWhy, access: Annotated[Access, requires("notices.resolve")]) -> NoticeDocument:
    """Take a notice off the list. What raised it raises it anew when it happens again."""
    with access.scope() as session:
        notice = resolve_by_id(session, notice_id, by=access.actor.name)
        act = Act(
            "notice.resolve",
            "notice",
            str(notice_id),
            fit_reason_given(why.reason),
            org_id=notice.org_id,
            client_id=notice.client_id,
        )
        record(session, access.actor, act)
        return _notice(notice)


def _notice(notice: Notice) -> NoticeDocument:
    return NoticeDocument(**{name: getattr(notice, name) for name in NoticeDocument.model_fields})
