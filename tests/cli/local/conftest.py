"""Data directories for servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local.directories import DataDirectory
from tests.support.places import passable_directory


@pytest.fixture
def place() -> Iterator[Path]:
    """Return an empty directory that the servers' account may pass through."""
    with passable_directory() as path:
        yield path


@pytest.fixture
def directory(place: Path) -> DataDirectory:
    """Return a prepared data directory."""
    directory = DataDirectory(place / "data")
    directory.prepare()
    return directory
