"""Runs the command as a shell would, in this process where that is enough."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from cli.main import app
from tests.support.logs import logging_restored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import DatabaseUrls


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


Run = Callable[..., Ended]
Environment = dict[str, str]


@pytest.fixture
def environment(database_urls: DatabaseUrls, redis_url: str, broker_url: str, tmp_path: Path) -> Environment:
    """Return settings for the test's own servers."""
    return {
        "GATEHOUSE_ENVIRONMENT": "test",
        "GATEHOUSE_DATA_DIR": str(tmp_path / "data"),
        "GATEHOUSE_DATABASE_URL": database_urls.app,
        "GATEHOUSE_PLATFORM_DATABASE_URL": database_urls.platform,
        "GATEHOUSE_REDIS_URL": redis_url,
        "GATEHOUSE_BROKER_URL": broker_url,
        "GATEHOUSE_SECRET_KEY": "secret-key-for-tests-0123456789-0123456789",
        "GATEHOUSE_ADMIN_TOKEN": "admin-token-for-tests-0123456789",
        "GATEHOUSE_TWILIO__AUTH_TOKEN": "twilio-token-for-tests",
    }


@pytest.fixture
def gatehouse(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run `gatehouse ARGUMENTS…` with only the given settings, in an empty directory."""
    for name in list(os.environ):
        if name.startswith("GATEHOUSE_") and not name.startswith("GATEHOUSE_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, settings: Environment | None = None) -> Ended:
        for name, value in (settings or {}).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            app(list(arguments))
        shown = capfd.readouterr()
        return Ended(int(ended.value.code or 0), shown.out, shown.err)

    with logging_restored():
        yield run
