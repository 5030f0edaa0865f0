"""What administrators did: searched, shown, and exported."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime
from starlette.responses import StreamingResponse

from api.access.requires import Access, requires
from api.schemas.audit import MEDIA_TYPES, ActionDocument, ActionList, AuditDocument, Format, lines
from api.schemas.paging import After, Limit, Page, cursor, position
from domain.audit.actions import ACTIONS
from domain.audit.listing import AuditFilter, Place, all_acts, find_act, list_acts
from domain.audit.record import Act, record

router = APIRouter(tags=["Audit"])
Viewer = Annotated[Access, requires("audit.view")]
Text = Annotated[str | None, Query(min_length=1, max_length=200)]

_EXPORT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Every entry that is meant, newest first.",
        "content": {"text/csv": {"schema": {"type": "string"}}, "application/json": {}},
    }
}


def which(
    *,
    action: Annotated[Text, Query(description="An action or how it begins: dead_letter.requeue, dead_letter.")] = None,
    actor: Annotated[Text, Query(description="A name, or the id of a user.")] = None,
    org_id: UUID | None = None,
    client_id: UUID | None = None,
    target_type: Text = None,
    target_id: Text = None,
    request_id: Text = None,
    since: Annotated[AwareDatetime | None, Query(description="Included.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Not included.")] = None,
) -> AuditFilter:
    """Return which entries a request means."""
    return AuditFilter(action, actor, org_id, client_id, target_type, target_id, request_id, since, until)


Which = Annotated[AuditFilter, Depends(which)]


@router.get("/api/v1/audit")
def audit(access: Viewer, meant: Which, limit: Limit = 50, after: After = None) -> Page[AuditDocument]:
    """Return what was done, the newest first."""
    found = position(after, _moment, UUID)
    with access.scope() as session:
        place = None if found is None else Place(*found)
        items = [AuditDocument.of(entry) for entry in list_acts(session, meant, limit=limit, after=place)]
    last = items[-1] if len(items) == limit else None
    return Page(items=items, next=cursor(last.created_at.isoformat(), last.id) if last else None)


@router.get("/api/v1/audit/actions")
def actions(access: Viewer) -> ActionList:
    """Return the actions there are, in words, for a search to offer."""
    del access
    return ActionList(items=[ActionDocument(action=action, words=words) for action, words in sorted(ACTIONS.items())])


@router.get("/api/v1/audit/export", response_class=StreamingResponse, responses=_EXPORT)
def export(access: Viewer, meant: Which, form: Annotated[Format, Query(alias="format")] = "csv") -> StreamingResponse:
    """Return every entry that is meant, as a file. That is an entry itself, one for each client within reach."""
    asked = {name: str(value) for name in AuditFilter.__slots__ if (value := getattr(meant, name)) is not None}
    with access.scope() as session:
        for client_id in sorted(access.reach.clients) if access.reach.clients is not None else [None]:
            act = Act("audit.export", "audit", form, after=asked, client_id=client_id)
            record(session, access.actor, act)
    name = f"audit-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    pieces = lines(all_acts(access.scope, meant), form)
    return StreamingResponse(pieces, media_type=MEDIA_TYPES[form], headers=headers)


@router.get("/api/v1/audit/{entry_id}")
def entry(entry_id: UUID, access: Viewer) -> AuditDocument:
    """Return one entry."""
    with access.scope() as session:
        return AuditDocument.of(find_act(session, entry_id))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("A cursor's time has a zone.")
    return moment
