"""An application on real servers, and settings for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.app import create_app
from config.settings import Settings
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

ADMIN_TOKEN = "admin-token-for-tests-0123456789"
MakeSettings = Callable[..., Settings]


@pytest.fixture
def unconnected(tmp_path: Path) -> MakeSettings:
    """Make settings for an application that asks no server; keyword arguments change them."""

    def make(**changes: object) -> Settings:
        given: dict[str, object] = {
            "environment": "test",
            "data_dir": tmp_path / "data",
            "database_url": "postgresql://127.0.0.1:1/none",
            "platform_database_url": "postgresql://127.0.0.1:1/none",
            "broker_url": "redis://127.0.0.1:1/0",
            "redis_url": "redis://127.0.0.1:1/0",
            "secret_key": "secret-key-for-tests-0123456789-0123456789",
            "admin_token": ADMIN_TOKEN,
            "log_format": "json",
        }
        return Settings.model_validate(given | changes)

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
