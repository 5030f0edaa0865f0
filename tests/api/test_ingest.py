"""Group commit: what one message is refused for does not touch the others of its batch."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest

from api.errors import ProblemError
from api.ingest import Ingest
from domain.conversations.accept import Inbound
from domain.kernel.database import Database
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from providers.brokers.publishing import publish_from
from providers.brokers.redis import RedisBell
from providers.brokers.registry import build_transport

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


def text(**changes: object) -> Inbound:
    given: dict[str, object] = {
        "channel": "sms",
        "address": "+15005550001",
        "body": "Hello",
        "external_id": uuid4().hex,
    }
    return Inbound(ORGANIZATION_ID, CLIENT_ID, **given | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("refused", [{"conversation_id": uuid4()}, {"body": "\x00"}], ids=["vanished", "not text"])
def test_a_message_that_the_database_refuses_stands_alone(
    database_urls: DatabaseUrls, redis_url: str, broker_url: str, refused: dict[str, object]
) -> None:
    apply(database_urls.platform, "demo")

    async def accept(messages: list[Inbound], ingest: Ingest) -> list[object]:
        ingest.start()
        try:
            return await asyncio.gather(*map(ingest.accept, messages), return_exceptions=True)
        finally:
            await ingest.close()

    with (
        closing(Database(database_urls.app, database_urls.platform)) as database,
        closing(build_transport(broker_url)) as transport,
        closing(RedisBell(redis_url)) as bell,
    ):
        ingest = Ingest(database_urls.platform, publish_from(database, transport, bell, window=256))
        before, other, after = asyncio.run(accept([text(), text(**refused), text()], ingest))

    assert (before, after) == (True, True)
    assert isinstance(other, ProblemError)
    assert other.status == 503
    with psycopg.connect(database_urls.platform) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (2,)
