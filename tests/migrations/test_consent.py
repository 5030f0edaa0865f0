"""Roles that were given before anybody was asked: those in use stay, and nobody is let in by going back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest

from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from migrations.apply import downgrade, upgrade

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
USED: Final = ("verified@example.com", "by-provider@example.com")
UNANSWERED: Final = "invited@example.com"


def test_a_role_in_use_counts_on_and_one_that_was_not_answered_is_still_an_invitation(
    empty_database_urls: DatabaseUrls,
) -> None:
    upgrade(empty_database_urls.owner, "0014")
    with psycopg.connect(empty_database_urls.superuser) as connection:
        for email in (*USED, UNANSWERED):
            _person(connection, email)
        connection.execute("UPDATE users SET email_verified_at = now() WHERE email = %s", [USED[0]])
        connection.execute("UPDATE users SET last_sign_in_at = now() WHERE email = %s", [USED[1]])
    upgrade(empty_database_urls.owner, "0015")
    with psycopg.connect(empty_database_urls.superuser) as connection:
        rows = connection.execute(
            "SELECT email, accepted_at = m.created_at, invited_address FROM memberships m"
            " JOIN users u ON u.id = user_id ORDER BY email"
        ).fetchall()
    assert rows == [
        ("by-provider@example.com", True, None),
        (UNANSWERED, None, UNANSWERED),
        ("verified@example.com", True, None),
    ]
    downgrade(empty_database_urls.owner, "0014")
    with psycopg.connect(empty_database_urls.superuser) as connection:
        query = "SELECT email FROM memberships JOIN users u ON u.id = user_id ORDER BY email"
        assert [email for (email,) in connection.execute(query)] == sorted(USED)


def _person(connection: psycopg.Connection[Any], email: str) -> None:
    user_id = new_id()
    connection.execute("INSERT INTO users (id, email) VALUES (%s, %s)", [user_id, email])
    connection.execute(
        "INSERT INTO memberships (id, org_id, user_id, role, created_by) VALUES (%s, %s, %s, 'super_admin', 'a')",
        [new_id(), PLATFORM_ORG_ID, user_id],
    )
