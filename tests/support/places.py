"""Directories for servers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def passable_directory() -> Iterator[Path]:
    """Give an empty directory that every user may pass through, unlike pytest's own, and remove it afterwards."""
    path = Path(tempfile.mkdtemp(prefix="gatehouse-data-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
