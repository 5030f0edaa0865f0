"""The directory of numbers learns of changes by itself, however little traffic there is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID

import pytest

from api.numbers import FRESH_SECONDS, Destination, NumberDirectory
from domain.clients.archive import archive_client
from domain.clients.change import change_client
from domain.clients.details import Details
from domain.clients.models import Client
from domain.kernel.database import Database
from tests.domain.clients.acts import DANA
from tests.domain.clients.rows import NUMBER, add_client, add_organization
from tests.support.databases import DatabaseUrls
from tests.support.eventually import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    with closing(Database(database_urls.app, database_urls.platform)) as opened:
        yield opened


SERVICE = f"MG{'a' * 32}"


def destination(org_id: UUID, client_id: UUID) -> Destination:
    """Return a client's, whatever the time since when."""
    return Destination(org_id, client_id, datetime.now(UTC))


async def until(directory: NumberDirectory, expected: Destination) -> None:
    # Asking would have it look at once.
    await asyncio.to_thread(eventually, lambda: directory._look(NUMBER, None) == expected, within=4 * FRESH_SECONDS)


def test_a_number_that_is_given_to_another_client_is_soon_that_one_s_though_nobody_texts(database: Database) -> None:
    old_org, new_org = add_organization(database, "old"), add_organization(database, "new")
    old, new = add_client(database, old_org, sms_number=NUMBER), add_client(database, new_org)

    def hand_over() -> None:
        with database.tenant_scope(old_org) as session:
            archive_client(session, old, "Closed.", DANA)
        with database.tenant_scope(new_org) as session:
            change_client(session, new, {"sms_number": NUMBER}, DANA)

    async def watch() -> None:
        directory = NumberDirectory(database)
        directory.start()
        try:
            assert await directory.find(NUMBER, None) == destination(old_org, old)
            await asyncio.to_thread(hand_over)
            await until(directory, destination(new_org, new))
        finally:
            await directory.close()

    asyncio.run(watch())


def test_a_change_whose_transaction_began_before_another_s_and_ended_later_is_not_missed(database: Database) -> None:
    org_id = add_organization(database)
    slow, quick = add_client(database, org_id, "slow"), add_client(database, org_id, "quick")

    async def watch() -> None:
        directory = NumberDirectory(database)
        with database.tenant_scope(org_id) as begun_first:
            change_client(begun_first, slow, {"sms_number": NUMBER}, DANA)
            with database.tenant_scope(org_id) as session:
                session.get_one(Client, quick).name = "Quick"
            await directory._refresh_soon()
            assert directory._look(NUMBER, None) is None
        await directory._refresh_soon()
        assert directory._look(NUMBER, None) == destination(org_id, slow)

    asyncio.run(watch())


def test_a_shared_service_is_of_whoever_has_had_it_for_longest_until_they_give_it_up(database: Database) -> None:
    org_id = add_organization(database)
    first, second = add_client(database, org_id, "first"), add_client(database, org_id, "second")

    async def watch() -> None:
        directory = NumberDirectory(database)

        async def after(client_id: UUID, details: Details) -> Destination | None:
            with database.tenant_scope(org_id) as session:
                change_client(session, client_id, details, DANA)
            await directory._refresh_soon()
            return directory._look(NUMBER, SERVICE)

        assert await after(first, {"messaging_service_sid": SERVICE}) == destination(org_id, first)
        assert await after(second, {"messaging_service_sid": SERVICE}) == destination(org_id, first)
        assert await after(second, {"name": "Changed last"}) == destination(org_id, first)
        assert await after(first, {"messaging_service_sid": None}) == destination(org_id, second)
        assert await after(second, {"messaging_service_sid": None}) is None

    asyncio.run(watch())
