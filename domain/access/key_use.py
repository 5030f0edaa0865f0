"""Whose API key this is."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from domain.access.key_text import digest, prefix_of
from domain.access.models import ApiKey
from domain.access.principal import Grant, Principal

if TYPE_CHECKING:
    from uuid import UUID

    from domain.kernel.database import Database

NOTED_EVERY: Final = timedelta(minutes=1)
"""A key's last use is written no more often."""
_NOBODYS: Final = bytes(32)
_COLUMNS: Final = (
    ApiKey.id,
    ApiKey.org_id,
    ApiKey.client_id,
    ApiKey.name,
    ApiKey.prefix,
    ApiKey.role,
    ApiKey.scopes,
    ApiKey.secret_hash,
    ApiKey.expires_at,
    ApiKey.revoked_at,
    ApiKey.last_used_at,
)
_log = structlog.get_logger(__name__)


def identify(database: Database, text: str, now: datetime) -> Principal | None:
    """Return who uses this key, by one query; None for one that is unknown, wrong, expired or revoked.

    `now`: timezone-aware. Which of these it was is not told, so nobody learns which keys there are.
    """
    prefix = prefix_of(text)
    if prefix is None:
        return None
    with database.platform_scope() as session:
        row = session.execute(select(*_COLUMNS).where(ApiKey.prefix == prefix)).one_or_none()
    right = hmac.compare_digest(_NOBODYS if row is None else row.secret_hash, digest(text))
    if row is None or not right or row.revoked_at is not None:
        return None
    if row.expires_at is not None and row.expires_at <= now:
        return None
    if row.last_used_at is None or now - row.last_used_at >= NOTED_EVERY:
        _note_use(database, row.id, now)
    return Principal(
        kind="api_key",
        name=f"{row.name} ({row.prefix})",
        grants=(Grant(row.role, row.org_id, row.client_id),),
        id=row.id,
        org_id=row.org_id,
        permissions=None if row.scopes is None else frozenset(row.scopes),
    )


def _note_use(database: Database, key_id: UUID, now: datetime) -> None:
    """Write that a key was used. A request is worth more than this note: one that can't be made is left out."""
    due = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - NOTED_EVERY)
    # Of several requests at once one writes; the others do not wait for it.
    free = select(ApiKey.id).where(ApiKey.id == key_id, due).with_for_update(skip_locked=True)
    try:
        with database.platform_scope() as session:
            session.execute(update(ApiKey).where(ApiKey.id.in_(free)).values(last_used_at=now))
    except SQLAlchemyError as error:
        _log.warning("api_key.use_not_noted", api_key_id=str(key_id), error=type(error).__name__)
