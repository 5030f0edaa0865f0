"""Have a client to oneself while changing it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.clients.errors import ArchivedError, ChangedMeanwhileError
from domain.clients.find import ClientNotFoundError
from domain.clients.models import Client

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def locked_client(
    session: Session, client_id: UUID, *, version: datetime | None = None, archived: bool = False
) -> Client:
    """Return a client that nobody else changes until this transaction ends; its messages come in meanwhile.

    `version`: its `updated_at` when the caller read it, None to change whatever it is now.

    Raises:
        ClientNotFoundError: there is none in this scope.
        ChangedMeanwhileError: it is not that version any more.
        ArchivedError: it is archived, unless `archived` says that this doesn't matter.

    """
    query = select(Client).where(Client.id == client_id).with_for_update(key_share=True)
    client = session.scalar(query.execution_options(populate_existing=True))
    if client is None:
        raise ClientNotFoundError("There is no such client.")
    check_version(client.updated_at, version)
    if client.archived_at is not None and not archived:
        raise ArchivedError
    return client


def check_version(updated_at: datetime, version: datetime | None) -> None:
    """Refuse a change that was meant for another version. Raises ChangedMeanwhileError."""
    if version is not None and version != updated_at:
        raise ChangedMeanwhileError
