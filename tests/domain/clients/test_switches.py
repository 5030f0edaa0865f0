"""The switches of a client are thrown one by one, in its own organization only."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from domain.clients.models import Client
from domain.clients.switches import Switch, pause, resume
from domain.kernel.database import Database
from domain.kernel.errors import NotFoundError
from domain.kernel.ids import new_id
from tests.domain.clients.rows import add_client, add_organization

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("switch", Switch)
def test_a_switch_stops_one_thing_of_one_client_and_lets_it_go_on(database: Database, switch: Switch) -> None:
    org_id = add_organization(database)
    client_id, other_id = add_client(database, org_id, "one"), add_client(database, org_id, "two")

    with database.tenant_scope(org_id) as session:
        assert pause(session, client_id, switch)
        assert not pause(session, client_id, switch)

    with database.tenant_scope(org_id) as session:
        client, other = session.get_one(Client, client_id), session.get_one(Client, other_id)
        assert {one for one in Switch if getattr(client, one.value)} == {switch}
        assert not any(getattr(other, one.value) for one in Switch)
        assert client.updated_at > client.created_at
        assert resume(session, client_id, switch)
        assert not resume(session, client_id, switch)

    with database.tenant_scope(org_id) as session:
        assert not any(getattr(session.get_one(Client, client_id), one.value) for one in Switch)


def test_a_switch_that_is_not_committed_is_not_thrown(database: Database) -> None:
    org_id = add_organization(database)
    client_id = add_client(database, org_id)

    def throw_and_fail() -> None:
        with database.tenant_scope(org_id) as session:
            pause(session, client_id, Switch.OUTBOUND)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        throw_and_fail()
    with database.tenant_scope(org_id) as session:
        assert not session.scalar(select(Client.outbound_paused).where(Client.id == client_id))


def test_no_switch_of_another_organization_can_be_thrown(database: Database) -> None:
    theirs = add_client(database, add_organization(database, "theirs"))
    mine = add_organization(database, "mine")
    for client_id in (theirs, new_id()):
        for throw in (pause, resume):
            with database.tenant_scope(mine) as session, pytest.raises(NotFoundError):
                throw(session, client_id, Switch.AI)
