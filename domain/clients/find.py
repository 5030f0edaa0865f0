"""Find clients: whose one is, for whoever knows its id alone, and all of them, for whoever knows none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from domain.clients.models import Client
from domain.kernel.errors import NotFoundError
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session


class ClientNotFoundError(NotFoundError):
    """There is no such client."""


@dataclass(frozen=True, slots=True)
class ListedClient:
    """A client and the organization that serves it."""

    id: UUID
    name: str
    org_id: UUID
    organization: str
    sms_number: str | None = field(repr=False)


def organization_of_client(session: Session, client_id: UUID) -> UUID:
    """Return the organization of a client of this scope. Raises ClientNotFoundError."""
    org_id = session.scalar(select(Client.org_id).where(Client.id == client_id))
    if org_id is None:
        raise ClientNotFoundError("There is no such client.")
    return org_id


def list_clients(
    session: Session, *, org_id: UUID | None = None, limit: int = 100, after: UUID | None = None
) -> Sequence[ListedClient]:
    """Return clients of this scope by their ids, the oldest first; page on with the last id."""
    query = select(Client.id, Client.name, Client.org_id, Organization.name, Client.sms_number).join(
        Organization, Organization.id == Client.org_id
    )
    if org_id is not None:
        query = query.where(Client.org_id == org_id)
    if after is not None:
        query = query.where(Client.id > after)
    return [ListedClient(*row) for row in session.execute(query.order_by(Client.id).limit(limit))]
