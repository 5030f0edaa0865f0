"""Directories that the servers' account can enter, and commands that are always ended."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local.directories import DataDirectory


@pytest.fixture
def place() -> Iterator[Path]:
    """Return an empty directory that every user may pass through, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="gatehouse-up-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def directory(place: Path) -> DataDirectory:
    """Return a prepared data directory."""
    directory = DataDirectory(place / "data")
    directory.prepare()
    return directory
