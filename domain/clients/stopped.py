"""Clients for which something is stopped. In a platform scope, or a tenant's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from domain.clients.models import Client
from domain.clients.switches import Switch
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class StoppedClient:
    """A client, who serves it, and the names of its switches that are thrown."""

    id: UUID
    name: str
    organization: str
    stopped: Sequence[str]


def stopped_clients(session: Session, *, limit: int = 50) -> Sequence[StoppedClient]:
    """Return clients, archived ones aside, that have a switch thrown, by name."""
    thrown = Client.outbound_paused | Client.notifications_paused | Client.ai_disabled
    query = (
        select(Client, Organization.name)
        .join(Organization, Organization.id == Client.org_id)
        .where(thrown, Client.archived_at.is_(None))
        .order_by(Client.name, Client.id)
        .limit(limit)
    )
    return [
        StoppedClient(one.id, one.name, organization, [switch.value for switch in Switch if getattr(one, switch.value)])
        for one, organization in session.execute(query)
    ]
