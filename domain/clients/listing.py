"""Clients as a person looks at them. In a platform scope, or a tenant's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.clients.bots import list_bots
from domain.clients.find import ClientNotFoundError
from domain.clients.models import BillingStatus, Bot, Client, ClientSettings
from domain.clients.settings import read_settings
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Which:
    """Which clients to list; None stands for all. `search`: within the name or the slug."""

    org_id: UUID | None = None
    search: str | None = None
    billing_status: BillingStatus | None = None
    live: bool | None = None
    archived: bool | None = False


@dataclass(frozen=True, slots=True)
class ClientView:
    """A client with what belongs to it. `settings` is None for the defaults."""

    client: Client
    organization: Organization
    settings: ClientSettings | None
    bots: Sequence[Bot]


def list_with_organizations(
    session: Session, which: Which, *, limit: int = 50, after: UUID | None = None
) -> Sequence[tuple[Client, Organization]]:
    """Return clients of this scope and who serves them, the oldest first; page on with the last client's id."""
    query = select(Client, Organization).join(Organization, Organization.id == Client.org_id)
    if which.org_id is not None:
        query = query.where(Client.org_id == which.org_id)
    if which.search:
        name, slug = Client.name, Client.slug
        query = query.where(
            name.icontains(which.search, autoescape=True) | slug.icontains(which.search, autoescape=True)
        )
    if which.billing_status is not None:
        query = query.where(Client.billing_status == which.billing_status)
    if which.live is not None:
        query = query.where(Client.onboarding_complete.is_(which.live))
    if which.archived is not None:
        query = query.where(Client.archived_at.is_not(None) if which.archived else Client.archived_at.is_(None))
    if after is not None:
        query = query.where(Client.id > after)
    return [(client, organization) for client, organization in session.execute(query.order_by(Client.id).limit(limit))]


def get_client(session: Session, client_id: UUID) -> ClientView:
    """Return a client with what belongs to it. Raises ClientNotFoundError."""
    query = select(Client, Organization).join(Organization, Organization.id == Client.org_id)
    found = session.execute(query.where(Client.id == client_id)).one_or_none()
    if found is None:
        raise ClientNotFoundError("There is no such client.")
    client, organization = found
    return ClientView(client, organization, read_settings(session, client_id), list_bots(session, client_id))
