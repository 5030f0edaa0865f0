"""Fixtures of an application on real servers, for the directories whose tests ask one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.app import create_app
from config.settings import Settings
from tests.support.app_client import AppClient
from tests.support.app_settings import app_settings

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

MakeSettings = Callable[..., Settings]


@pytest.fixture
def unconnected(tmp_path: Path) -> MakeSettings:
    """Make settings for an application that asks no server; keyword arguments change them."""

    def make(**changes: object) -> Settings:
        return app_settings(tmp_path / "data", **changes)

    return make


@pytest.fixture
def settings(unconnected: MakeSettings, database_urls: DatabaseUrls, redis_url: str, broker_url: str) -> Settings:
    """Make settings that name the test's own servers."""
    return unconnected(
        database_url=database_urls.app,
        platform_database_url=database_urls.platform,
        redis_url=redis_url,
        broker_url=broker_url,
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    """Give a client of the whole application on real servers."""
    with AppClient(create_app(settings)) as client:
        yield client
