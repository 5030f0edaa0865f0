"""An operator is told of a circuit that stays open, once, and no longer when it has closed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.clients.models import Client
from domain.delivery.circuit_notices import TOLD_AFTER, tell_of_circuits
from domain.kernel.database import Database
from domain.notices.raising import open_notices
from migrations.seeds import apply
from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
NOW = 1_800_000_000.0


def test_a_circuit_that_stays_open_is_told_of_until_it_closes(database_urls: DatabaseUrls) -> None:
    apply(database_urls.platform, "demo")
    with closing(Database(database_urls.app, database_urls.platform)) as database, database.platform_scope() as session:
        client = session.scalars(select(Client)).first()
        assert client is not None

        def told(open_since: Mapping[tuple[str, UUID], float]) -> list[tuple[str, UUID | None, int]]:
            tell_of_circuits(session, open_since, NOW)
            return [(notice.words, notice.client_id, notice.count) for notice in open_notices(session)]

        key = ("twilio", client.id)
        assert told({key: NOW - TOLD_AFTER + 1}) == []
        for _ in range(2):
            ((words, client_id, count),) = told({key: NOW - TOLD_AFTER})
            assert (client_id, count) == (client.id, 1)
            assert client.name in words
        assert told({}) == []
