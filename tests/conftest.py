"""The fixtures that every test may use: real PostgreSQL, real Redis, real broker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, settings

from tests.support.databases import Databases, DatabaseUrls, drop_all
from tests.support.run import Run
from tests.support.servers import Servers, broker_of, empty_broker, redis_database, servers_of

# How long an example takes says something about the machine's other work, not about the code.
settings.register_profile("gatehouse", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gatehouse")

_RUN = pytest.StashKey[Run]()
_RUN_INPUT = "gatehouse_run"


class _Node(Protocol):
    """What this file uses of a worker of pytest-xdist."""

    config: pytest.Config
    workerinput: dict[str, str]


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run in the main process; the workers of pytest-xdist join it."""
    if not hasattr(config, "workerinput"):
        config.stash[_RUN] = Run()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _Node) -> None:
    """Tell a worker of pytest-xdist which run it belongs to."""
    node.workerinput[_RUN_INPUT] = str(node.config.stash[_RUN].directory)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run: its servers stop, its databases on other servers are dropped."""
    run = config.stash.get(_RUN, None)
    if run is None:
        return
    external = os.environ.get("GATEHOUSE_TEST_DATABASE_URL")
    if external:
        drop_all(external, run.directory)
    run.end()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """Return the PostgreSQL and Redis servers of this run, started when the first test asks for one."""
    return servers_of(_run_directory(request.config))


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Databases]:
    """Give what makes databases, for tests that need several or keep one: `with databases.migrated() as urls: …`."""
    with closing(Databases(servers.superuser_url, _run_directory(request.config))) as databases:
        yield databases


@pytest.fixture
def database_urls(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give a migrated database without rows, for this test alone."""
    with databases.migrated() as urls:
        yield urls


@pytest.fixture
def empty_database_urls(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give a database without a schema, for this test alone."""
    with databases.empty() as urls:
        yield urls


@pytest.fixture
def redis_url(servers: Servers, worker_id: str) -> str:
    """Return an empty Redis database, of this test alone until it ends."""
    url = redis_database(servers.redis_url, worker_id)
    empty_broker(url)
    return url


@pytest.fixture
def broker_url(servers: Servers, redis_url: str, worker_id: str) -> str:
    """Return an empty broker: the test's Redis database, or the one that `GATEHOUSE_TEST_BROKER_URL` names."""
    if servers.broker_url is None:
        return redis_url
    url = broker_of(servers.broker_url, worker_id)
    empty_broker(url)
    return url


def _run_directory(config: pytest.Config) -> Path:
    joined: dict[str, str] | None = getattr(config, "workerinput", None)
    return Path(joined[_RUN_INPUT]) if joined is not None else config.stash[_RUN].directory
