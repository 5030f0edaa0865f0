"""A place to work for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import Databases, DatabaseUrls
from tests.support.queue_lab import Lab
from tests.support.queue_lab import lab as open_lab
from tests.support.servers import Servers, broker_of, redis_database
from tests.support.worker_floor import Floor
from workers.engine import Engine


@pytest.fixture(scope="session")
def floor_urls(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give the database that the tests of this directory use one after the other."""
    with databases.migrated() as urls:
        yield urls


@pytest.fixture(scope="module")
def working(
    floor_urls: DatabaseUrls, servers: Servers, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Give a worker that works, beside a scheduler, for all tests of a module."""
    redis_url = redis_database(servers.redis_url, worker_id)
    broker = redis_url if servers.broker_url is None else broker_of(servers.broker_url, worker_id)
    floor = Floor(floor_urls, redis_url, broker, tmp_path_factory.mktemp("working"))
    with floor.scheduler(), floor.worker() as engine:
        yield engine


@pytest.fixture
def lab(floor_urls: DatabaseUrls) -> Iterator[Lab]:
    """Give an empty queue."""
    with open_lab(floor_urls) as opened:
        yield opened


@pytest.fixture
def floor(lab: Lab, redis_url: str, broker_url: str, tmp_path: Path) -> Floor:
    """Give a place for workers."""
    return Floor(lab.urls, redis_url, broker_url, tmp_path)
