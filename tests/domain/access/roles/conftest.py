"""Role files of a test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.role_files import RoleDirectory


@pytest.fixture
def directory(tmp_path: Path) -> RoleDirectory:
    """Give a directory with permissions and the abstract role `base`."""
    return RoleDirectory(tmp_path / "config")
