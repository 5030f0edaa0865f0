"""Entries of one title from before there could be one only: none is lost, and the oldest keeps its title."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest

from migrations.apply import upgrade
from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ORG, CLIENT = UUID(int=1), UUID(int=2)


def test_twins_get_numbers_that_nobody_has_yet(empty_database_urls: DatabaseUrls) -> None:
    upgrade(empty_database_urls.owner, "0015")
    titles = ["Parking?", "PARKING?", "parking? (2)", "parking?", "Hours?"]
    with psycopg.connect(empty_database_urls.superuser, autocommit=True) as connection:
        connection.execute("INSERT INTO organizations (id, slug, name) VALUES (%s, 'acme', 'Acme')", [ORG])
        connection.execute(
            "INSERT INTO clients (id, org_id, slug, name) VALUES (%s, %s, 'acme', 'Acme')", [CLIENT, ORG]
        )
        for number, title in enumerate(titles):
            connection.execute(
                "INSERT INTO knowledge_entries (id, org_id, client_id, kind, title, body, created_at)"
                " VALUES (%s, %s, %s, 'faq', %s, 'Yes.', now() + %s * interval '1 second')",
                [UUID(int=10 + number), ORG, CLIENT, title, number],
            )
        upgrade(empty_database_urls.owner)
        found = [title for (title,) in connection.execute("SELECT title FROM knowledge_entries ORDER BY id")]
    assert found == ["Parking?", "PARKING? (2)", "parking? (2) (2)", "parking? (3)", "Hours?"]
