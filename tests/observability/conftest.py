"""Prometheus, for the tests of what is measured.

It is the program that GATEHOUSE_TEST_PROMETHEUS names, or one on the PATH, with promtool beside it. A machine without
any leaves these tests out and says so; one that promised it, by that variable or by CI, fails.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

VARIABLE: Final = "GATEHOUSE_TEST_PROMETHEUS"


def _prometheus() -> str | None:
    return os.environ.get(VARIABLE) or shutil.which("prometheus")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs Prometheus where there is none and nobody promised one."""
    if _prometheus() is not None or os.environ.get("CI"):
        return
    left_out = [item for item in items if item.get_closest_marker("prometheus")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_report_header() -> str:
    """Say which one is used."""
    return f"prometheus: {_prometheus() or f'none, so the tests marked prometheus are left out (set {VARIABLE})'}"


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """Return the program. Debian: apt-get install prometheus; without root, unpack a release of it anywhere."""
    named = _prometheus()
    assert named is not None, f"No Prometheus was found. Install it (Debian: prometheus) or set {VARIABLE}."
    path = shutil.which(named)
    assert path is not None, f"{VARIABLE} names {named}, which is not a program."
    return Path(path)


@pytest.fixture(scope="session")
def promtool(prometheus: Path) -> Path:
    """Return the tool that comes with it."""
    beside = prometheus.with_name("promtool")
    assert beside.exists(), f"There is no promtool beside {prometheus}."
    return beside
