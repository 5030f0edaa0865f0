"""`onboarding_complete` becomes true through `complete_onboarding` alone; the database refuses any other way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege, NoDataFound

from tests.support.databases import Databases, DatabaseUrls
from tests.support.tenant_rows import TenantIds, insert

pytestmark = pytest.mark.integration

_TENANT = TenantIds.new()
_OTHER = TenantIds.new()


@pytest.fixture(scope="module")
def urls(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give a database with a client that is ready and, of another tenant, one that is not."""
    with databases.migrated() as migrated:
        with psycopg.connect(migrated.platform) as connection:
            for tenant in (_TENANT, _OTHER):
                insert(connection, "organizations", tenant)
                insert(connection, "clients", tenant)
            connection.execute(
                "UPDATE clients SET sms_number = '+15005550006', owner_phone = '+15005550010' WHERE id = %s",
                [_TENANT.client],
            )
        yield migrated


@pytest.fixture(params=["app", "platform"])
def connection(request: pytest.FixtureRequest, urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """Give a transaction of the ready client's tenant, as each of the runtime roles."""
    with (
        psycopg.connect(getattr(urls, request.param), autocommit=True) as opened,
        opened.transaction(force_rollback=True),
    ):
        opened.execute("SELECT set_config('gatehouse.org_id', %s, true)", [str(_TENANT.org)])
        yield opened


def _complete(connection: psycopg.Connection[Any], client: UUID) -> None:
    connection.execute("SELECT complete_onboarding(%s)", [client])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE clients SET onboarding_complete = true",
        "UPDATE clients SET (name, onboarding_complete) = ('a', true)",
        "INSERT INTO clients (id, org_id, slug, name, onboarding_complete)"
        " SELECT gen_random_uuid(), org_id, 'b', 'b', true FROM clients LIMIT 1",
        "INSERT INTO clients (id, org_id, slug, name) SELECT id, org_id, 'b', 'b' FROM clients"
        " ON CONFLICT (id) DO UPDATE SET onboarding_complete = true",
        "MERGE INTO clients c USING clients d ON c.id = d.id WHEN MATCHED THEN UPDATE SET onboarding_complete = true",
        "COPY clients (id, org_id, slug, name, onboarding_complete) FROM STDIN",
        "ALTER TABLE clients ALTER onboarding_complete SET DEFAULT true",
        "ALTER TABLE clients DISABLE ROW LEVEL SECURITY",
    ],
)
def test_no_statement_sets_it(connection: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        connection.execute(statement.encode())


def test_the_function_sets_it_for_a_client_that_is_ready(connection: psycopg.Connection[Any]) -> None:
    _complete(connection, _TENANT.client)
    row = connection.execute("SELECT onboarding_complete FROM clients WHERE id = %s", [_TENANT.client]).fetchone()
    assert row == (True,)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("UPDATE clients SET sms_number = NULL", "no phone number"),
        ("UPDATE clients SET owner_phone = NULL", "no owner to alert"),
    ],
)
def test_the_function_refuses_a_client_that_is_not_ready(
    connection: psycopg.Connection[Any], missing: str, message: str
) -> None:
    connection.execute(missing.encode())
    with pytest.raises(CheckViolation, match=message):
        _complete(connection, _TENANT.client)


def test_a_tenant_cannot_complete_anothers_client(urls: DatabaseUrls) -> None:
    for org_id in (str(_OTHER.org), ""):
        with psycopg.connect(urls.app) as connection:
            connection.execute("SELECT set_config('gatehouse.org_id', %s, true)", [org_id])
            with pytest.raises(NoDataFound):
                _complete(connection, _TENANT.client)
