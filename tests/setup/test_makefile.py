"""What a newcomer whose machine lacks something is told by make, before anything of ours can run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MAKE = shutil.which("make") or "make"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a directory with what make looks at, and no environment yet."""
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(checkout: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run make as in a plain shell, not as a child of the make that runs the tests."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        [MAKE, ".venv/.runtime", *arguments],
        cwd=checkout,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def program(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_no_python_at_all(checkout: Path) -> None:
    tools = checkout / "bin"
    tools.mkdir()
    for name in ("make", "sh", "test", "echo"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    status, told = make(checkout, PATH=str(tools))
    assert status != 0
    assert "needs Python 3.11 or newer, and there is none on the PATH" in told


def test_a_python_that_is_too_old(checkout: Path) -> None:
    status, told = make(checkout, f"PYTHON={program(checkout / 'python3.9', 'exit 1')}")
    assert status != 0
    assert "python3.9 is older than Python 3.11" in told


def test_a_python_without_virtual_environments(checkout: Path) -> None:
    body = 'case "$*" in *venv*) exit 1;; *) exit 0;; esac'
    status, told = make(checkout, f"PYTHON={program(checkout / 'python', body)}")
    assert status != 0
    assert "apt-get install python3-venv" in told


def test_no_package_index(checkout: Path) -> None:
    status, told = make(checkout, f"PYTHON={sys.executable}", PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    assert status != 0
    assert "Is the package index reachable?" in told


def test_what_is_newest_is_not_installed_again(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    for name in ("bin/uv", ".runtime"):
        (checkout / ".venv" / name).touch()
    status, told = make(checkout)
    assert (status, told) == (0, "")
