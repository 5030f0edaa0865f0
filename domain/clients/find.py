"""Whose a client is, for whoever knows its id alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from domain.clients.models import Client
from domain.kernel.errors import NotFoundError

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session


class ClientNotFoundError(NotFoundError):
    """There is no such client."""


def organization_of_client(session: Session, client_id: UUID) -> UUID:
    """Return the organization of a client of this scope. Raises ClientNotFoundError."""
    org_id = session.scalar(select(Client.org_id).where(Client.id == client_id))
    if org_id is None:
        raise ClientNotFoundError("There is no such client.")
    return org_id
