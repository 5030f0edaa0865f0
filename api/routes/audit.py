"""What administrators did."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from api.deps import DatabaseDep, RequireAdmin
from api.schemas.paging import After, Limit, Page, cursor, id_position
from domain.audit.listing import AuditFilter, list_acts
from domain.audit.models import AuditLog

router = APIRouter(tags=["Audit"], dependencies=[RequireAdmin])


class AuditDocument(BaseModel):
    """One act of one actor; what it shows of a thing before and after is redacted."""

    id: UUID
    org_id: UUID
    client_id: UUID | None
    actor: str
    role: str
    action: str
    target_type: str
    target_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    ip: str | None
    request_id: str | None
    created_at: datetime


@router.get("/api/v1/audit")
def audit(
    database: DatabaseDep,
    action: Annotated[str | None, Query(max_length=100, description="Such as dead_letter.requeue.")] = None,
    target_id: Annotated[str | None, Query(max_length=100)] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[AuditDocument]:
    """Return what administrators did, the newest first."""
    which = AuditFilter(action, target_id, since, until)
    place = id_position(after)
    with database.platform_scope() as session:
        items = [_entry(entry) for entry in list_acts(session, which, limit=limit, before_id=place)]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


def _entry(entry: AuditLog) -> AuditDocument:
    named = {name: getattr(entry, name) for name in AuditDocument.model_fields if name != "ip"}
    return AuditDocument(**named, ip=None if entry.ip is None else str(entry.ip))
