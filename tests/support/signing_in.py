"""People with accounts, and browsers that sign in as they do: through the page, with its token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import UUID

import psycopg
import pyotp

from domain.access.passwords import hash_password
from domain.kernel.ids import new_id

if TYPE_CHECKING:
    import httpx

    from domain.access.ports import Sealer

PASSWORD: Final = "a long enough password for tests"
_HASH: Final[dict[str, str]] = {}
_FIELD: Final = re.compile(r'name="csrf[_-]token" (?:value|content)="([^"]+)"')
Given = tuple[str, UUID, UUID | None]
"""A role, the organization that it is given in, and the client that it is given for."""


def add_person(platform_url: str, email: str, *given: Given, name: str = "", reports_to: UUID | None = None) -> UUID:
    """Add an account with the password `PASSWORD` and roles that it has accepted; return its id."""
    if PASSWORD not in _HASH:
        _HASH[PASSWORD] = hash_password(PASSWORD)
    user_id = new_id()
    with psycopg.connect(platform_url) as connection:
        connection.execute(
            "INSERT INTO users (id, email, name, password_hash, email_verified_at) VALUES (%s, %s, %s, %s, now())",
            (user_id, email, name, _HASH[PASSWORD]),
        )
        for role, org_id, client_id in given:
            connection.execute(
                "INSERT INTO memberships (id, org_id, client_id, user_id, role, reports_to, created_by, accepted_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, 'test', now())",
                (new_id(), org_id, client_id, user_id, role, reports_to),
            )
    return user_id


def csrf_of(client: httpx.Client, path: str = "/sign-in") -> str:
    """Return the token of a page of this browser."""
    found = _FIELD.search(client.get(path, headers={"Accept": "text/html"}).text)
    assert found, f"There is no token on {path}."
    return found.group(1)


def sign_in(client: httpx.Client, email: str, password: str = PASSWORD, **form: str) -> httpx.Response:
    """Send the form of an account."""
    sent = {"email": email, "password": password, "csrf_token": csrf_of(client)}
    return client.post("/sign-in", data=sent | form)


def sign_in_by_token(client: httpx.Client, token: str, **form: str) -> httpx.Response:
    """Send the form of the admin token."""
    sent = {"token": token, "csrf_token": csrf_of(client, "/sign-in?way=token")}
    return client.post("/sign-in", data=sent | form)


def add_second_factor(platform_url: str, user_id: UUID, sealer: Sealer) -> pyotp.TOTP:
    """Set up an authenticator app for somebody, and return it."""
    secret = pyotp.random_base32()
    with psycopg.connect(platform_url) as connection:
        connection.execute(
            "UPDATE users SET sealed_totp_secret = %s, totp_confirmed_at = now() WHERE id = %s",
            (sealer.seal(secret), user_id),
        )
    return pyotp.TOTP(secret)


def acts(platform_url: str, like: str = "%") -> list[tuple[str, str, UUID | None]]:
    """Return what was recorded: who did what, and as which user."""
    query = "SELECT actor, action, actor_user_id FROM admin_audit_logs WHERE action LIKE %s ORDER BY created_at, id"
    with psycopg.connect(platform_url) as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(query, (like,))]
