"""Invariant 6: `onboarding_complete` becomes true only through `complete_onboarding`."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError

from domain.clients.errors import OnboardingIncompleteError
from domain.clients.models import Client
from domain.clients.onboarding import complete_onboarding
from domain.kernel.database import Database
from domain.kernel.errors import NotFoundError
from domain.kernel.ids import new_id
from tests.domain.clients.rows import NUMBER, READY, add_client, add_organization
from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration

WAYS_ROUND: dict[str, LiteralString] = {
    "update": "UPDATE clients SET onboarding_complete = true WHERE id = %(client)s",
    "update of all columns": "UPDATE clients SET (name, onboarding_complete) = ('x', true) WHERE id = %(client)s",
    "insert": "INSERT INTO clients (id, org_id, slug, name, onboarding_complete)"
    " VALUES (gen_random_uuid(), %(org)s, 'new', 'New', true)",
    "upsert": "INSERT INTO clients (id, org_id, slug, name) VALUES (%(client)s, %(org)s, 'new', 'New')"
    " ON CONFLICT (id) DO UPDATE SET onboarding_complete = true",
    "merge": "MERGE INTO clients c USING (SELECT 1) AS one ON c.id = %(client)s"
    " WHEN MATCHED THEN UPDATE SET onboarding_complete = true",
    "copy": "COPY clients (id, org_id, slug, name, onboarding_complete) FROM STDIN",
    "another default": "ALTER TABLE clients ALTER onboarding_complete SET DEFAULT true",
    "a trigger": "CREATE TRIGGER live BEFORE UPDATE ON clients FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "a right": "GRANT UPDATE ON clients TO CURRENT_USER; UPDATE clients SET onboarding_complete = true",
    "the owner's role": "SET ROLE gatehouse_owner",
    "another function": "CREATE OR REPLACE FUNCTION complete_onboarding(client uuid) RETURNS void LANGUAGE sql"
    " AS 'UPDATE clients SET onboarding_complete = true'",
}


def _is_complete(database: Database, client_id: object) -> bool | None:
    with database.platform_scope() as session:
        return session.scalar(select(Client.onboarding_complete).where(Client.id == client_id))


@pytest.mark.parametrize("role", ["app", "platform"])
def test_no_way_round_the_function(database: Database, database_urls: DatabaseUrls, role: str) -> None:
    org_id = add_organization(database)
    client_id = add_client(database, org_id, **READY)
    for way, statement in WAYS_ROUND.items():
        with psycopg.connect(getattr(database_urls, role), cursor_factory=psycopg.ClientCursor) as connection:
            connection.execute("SELECT set_config('gatehouse.org_id', %s, true)", [str(org_id)])
            try:
                connection.execute(statement, {"client": client_id, "org": org_id})
            except InsufficientPrivilege:
                connection.rollback()
            else:
                pytest.fail(f"{role} got round complete_onboarding by {way}")
    assert _is_complete(database, client_id) is False


def test_the_model_cannot_set_it_either(database: Database) -> None:
    org_id = add_organization(database)
    client_id = add_client(database, org_id, **READY)
    with database.tenant_scope(org_id) as session:
        session.get_one(Client, client_id).onboarding_complete = True
        with pytest.raises(ProgrammingError, match="permission denied"):
            session.flush()
    with pytest.raises(ProgrammingError, match="permission denied"):
        add_client(database, org_id, "eager", onboarding_complete=True)
    assert _is_complete(database, client_id) is False


def test_a_client_that_has_all_it_needs_goes_live_and_stays_so(database: Database) -> None:
    org_id = add_organization(database)
    by_tenant, by_platform = (
        add_client(database, org_id, "one", **READY),
        add_client(database, org_id, "two", messaging_service_sid="MG" + "0" * 32, owner_phone=NUMBER),
    )
    with database.tenant_scope(org_id) as session:
        complete_onboarding(session, by_tenant)
        complete_onboarding(session, by_tenant)
    with database.platform_scope() as session:
        complete_onboarding(session, by_platform)
    assert _is_complete(database, by_tenant)
    assert _is_complete(database, by_platform)


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        ({}, "no phone number"),
        ({"owner_phone": NUMBER}, "no phone number"),
        ({"sms_number": NUMBER}, "no owner"),
    ],
)
def test_a_client_that_lacks_something_is_told_what(database: Database, columns: dict[str, Any], missing: str) -> None:
    org_id = add_organization(database)
    client_id = add_client(database, org_id, **columns)
    with database.tenant_scope(org_id) as session:
        with pytest.raises(OnboardingIncompleteError, match=missing):
            complete_onboarding(session, client_id)
        # The refusal did not spoil the transaction.
        session.get_one(Client, client_id).name = "Renamed"
    with database.platform_scope() as session:
        client = session.get_one(Client, client_id)
        assert (client.onboarding_complete, client.name) == (False, "Renamed")


def test_no_tenant_completes_another_s_onboarding(database: Database) -> None:
    theirs = add_client(database, add_organization(database, "theirs"), **READY)
    mine = add_organization(database, "mine")
    for client_id in (theirs, new_id()):
        with database.tenant_scope(mine) as session, pytest.raises(NotFoundError):
            complete_onboarding(session, client_id)
    assert _is_complete(database, theirs) is False
