"""API keys of machines: listed, created, rotated and revoked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import APIRouter, Request

from api.access.requires import Access, requires
from api.deps import DatabaseDep
from api.schemas.api_keys import (
    CreatedKey,
    KeyDocument,
    NewKeyDocument,
    RevocationDocument,
    RotatedKey,
    RotationDocument,
)
from api.schemas.paging import After, Limit, Page, cursor, id_position
from domain.access import api_keys
from domain.access.key_makers import makers_of
from domain.access.within import Within
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

router = APIRouter(tags=["API keys"])


@router.get("/api/v1/api-keys")
def list_(
    database: DatabaseDep, access: Annotated[Access, requires("api_keys.view")], limit: Limit = 50, after: After = None
) -> Page[KeyDocument]:
    """List keys, oldest first, also those that ended. No answer but those of creating and rotating holds a key."""
    with access.scope() as session:
        found = api_keys.list_keys(session, org_id=access.org_id, limit=limit, after=id_position(after))
    with database.platform_scope() as session:
        makers = makers_of(session, found, sees_accounts=_sees_accounts(access))
    items = [KeyDocument.about(key, makers[key.id]) for key in found]
    return Page(items=items, next=cursor(items[-1].id) if len(items) == limit else None)


@router.post("/api/v1/api-keys", status_code=201)
def create(request: Request, new: NewKeyDocument, access: Annotated[Access, requires("api_keys.change")]) -> CreatedKey:
    """Create a key, which reaches no further than you do. The answer shows it this once."""
    org_id = new.org_id or access.org_id or PLATFORM_ORG_ID
    wanted = api_keys.NewKey(org_id, new.name, new.role, new.client_id, new.scopes, new.expires_at)
    with _scope_of(access, org_id) as session:
        return CreatedKey.of(*api_keys.create_key(session, wanted, _making(request, access)))


@router.post("/api/v1/api-keys/{key_id}/rotate", status_code=201)
def rotate(
    request: Request,
    key_id: UUID,
    how: RotationDocument,
    access: Annotated[Access, requires("api_keys.change")],
) -> RotatedKey:
    """Make a key in place of one, which works on for `overlap_hours`. The answer shows the new one this once."""
    overlap = timedelta(hours=how.overlap_hours)
    with access.scope() as session:
        row, key, until = api_keys.rotate_key(session, key_id, _making(request, access), overlap=overlap)
        return RotatedKey(**CreatedKey.of(row, key).model_dump(), previous_until=until)


@router.post("/api/v1/api-keys/{key_id}/revoke")
def revoke(
    key_id: UUID,
    why: RevocationDocument,
    database: DatabaseDep,
    access: Annotated[Access, requires("api_keys.revoke")],
) -> KeyDocument:
    """End a key at once."""
    with access.scope() as session:
        ended = api_keys.revoke_key(session, key_id, why.reason, access.actor, datetime.now(UTC))
    with database.platform_scope() as session:
        makers = makers_of(session, [ended], sees_accounts=_sees_accounts(access))
        return KeyDocument.about(ended, makers[ended.id])


@contextmanager
def _scope_of(access: Access, org_id: UUID) -> Iterator[Session]:
    """Open a scope in an organization that was named; also in the platform's, for whoever is of it."""
    with access.scope() if access.organization is None else access.scope_of(org_id) as session:
        yield session


def _sees_accounts(access: Access) -> bool:
    return Within.reach(access.org_id, access.reach).sees_accounts


def _making(request: Request, access: Access) -> api_keys.Making:
    return api_keys.Making(access.actor, request.app.state.roles, datetime.now(UTC), access.principal)
