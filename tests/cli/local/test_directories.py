"""The data directory is private, ours, and used by one supervisor at a time."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cli.local.directories import DataDirectory
from cli.local.errors import AlreadyRunningError, NotWritableError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_can_look_inside(directory: DataDirectory) -> None:
    # As root the servers' account has to pass through, so passage (and nothing more) is allowed.
    assert mode(directory.path) == (0o711 if os.geteuid() == 0 else 0o700)
    assert mode(directory.logs) == mode(directory.run) == 0o700


def test_preparing_again_changes_nothing(directory: DataDirectory) -> None:
    before = sorted(directory.path.rglob("*"))
    directory.prepare()
    assert sorted(directory.path.rglob("*")) == before


def test_a_directory_with_other_files_is_left_alone(place: Path) -> None:
    (place / "letter.txt").touch()
    before = mode(place)
    with pytest.raises(NotWritableError, match="holds other files"):
        DataDirectory(place).prepare()
    assert mode(place) == before


def test_no_right_to_write_is_told_in_words(place: Path) -> None:
    (place / "file").touch()
    with pytest.raises(NotWritableError) as raised:
        DataDirectory(place / "file" / "data").prepare()
    assert "can't be written" in raised.value.problem
    assert "GATEHOUSE_DATA_DIR" in raised.value.remedy


def test_a_second_supervisor_is_told_who_holds_the_directory(directory: DataDirectory) -> None:
    with directory.exclusively(), pytest.raises(AlreadyRunningError) as raised, directory.exclusively():
        pass
    assert f"process {os.getpid()}" in raised.value.problem
    assert f"kill {os.getpid()}" in raised.value.remedy


def test_the_directory_is_free_again_afterwards(directory: DataDirectory) -> None:
    for _ in range(2):
        with directory.exclusively():
            pass
