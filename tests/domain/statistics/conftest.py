"""An organization with two clients, and another one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest

from domain.kernel.ids import new_id
from tests.support.databases import DatabaseUrls


@dataclass(frozen=True)
class Tenants:
    """Whose counts are told apart."""

    org: UUID
    client: UUID
    sister: UUID
    other: UUID


@pytest.fixture
def tenants(database_urls: DatabaseUrls) -> Tenants:
    """Make the rows that counts hang on."""
    made = Tenants(new_id(), new_id(), new_id(), new_id())
    with psycopg.connect(database_urls.platform) as connection:
        for org_id, slug in ((made.org, "one"), (made.other, "other")):
            connection.execute(
                "INSERT INTO organizations (id, slug, name) VALUES (%s, %s, 'An organization')", (org_id, slug)
            )
        for client_id, slug in ((made.client, "client"), (made.sister, "sister")):
            connection.execute(
                "INSERT INTO clients (id, org_id, slug, name) VALUES (%s, %s, %s, 'A client')",
                (client_id, made.org, slug),
            )
    return made
