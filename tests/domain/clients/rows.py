"""Organizations and clients for tests, made as an operator would make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.clients.models import Client
from domain.kernel.ids import new_id
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from domain.kernel.database import Database

NUMBER = "+15005550007"
READY: Mapping[str, Any] = {"sms_number": NUMBER, "owner_email": "owner@example.com"}
"""What a client needs before its onboarding can be completed."""


def add_organization(database: Database, slug: str = "harbor") -> UUID:
    """Add an active organization."""
    with database.platform_scope() as session:
        organization = Organization(id=new_id(), slug=slug, name=slug.title())
        session.add(organization)
    return organization.id


def add_client(database: Database, org_id: UUID, slug: str = "plumbing", **columns: Any) -> UUID:  # noqa: ANN401  # as various as the table's columns
    """Add a client with the database's defaults and the columns that are given."""
    with database.tenant_scope(org_id) as session:
        client = Client(id=new_id(), org_id=org_id, slug=slug, name=slug.title(), **columns)
        session.add(client)
    return client.id
