"""Enqueue our jobs the way a producer does: through `domain.queue.enqueue`, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from benchmarks.messages import Noop
from benchmarks.stage import Stage
from domain.kernel.database import Database
from domain.queue.enqueue import NewJob, enqueue_many
from providers.brokers.publishing import publish_from
from providers.brokers.redis import RedisBell
from providers.brokers.registry import build_transport
from tests.support.databases import DatabaseUrls

ORG_ID = UUID("01930000-0000-7000-8000-00000000b0b0")
WINDOW = 256


@contextmanager
def producer(stage: Stage, urls: DatabaseUrls) -> Iterator[Database]:
    """Give a database whose commits hand jobs to the broker, as in the API process."""
    database = Database(urls.app, urls.platform, pool_size=2, name="gatehouse-benchmark")
    transport, bell = build_transport(stage.valkey.url()), RedisBell(stage.valkey.url())
    publish_from(database, transport, bell, window=WINDOW)
    try:
        yield database
    finally:
        transport.close()
        bell.close()
        database.close()


def enqueue_noops(database: Database, count: int) -> float:
    """Enqueue `count` jobs in one transaction; return the time (`time.time`) just after its commit."""
    with database.tenant_scope(ORG_ID) as session:
        enqueue_many(session, [NewJob(Noop(number)) for number in range(count)], org_id=ORG_ID)
    return time.time()
