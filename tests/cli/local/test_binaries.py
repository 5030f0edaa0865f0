"""The servers' programs can be run by an account that may not enter the place where they were installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cli.local.account import Account, run_as, server_account
from cli.local.binaries import Binaries, installed, reachable

STRANGER = Account(name="stranger", uid=54321, gid=54321, switch=True)


@pytest.fixture
def behind_a_closed_door(place: Path) -> Binaries:
    """Return the programs, installed below a directory that only its owner may enter."""
    private = place / "private"
    private.mkdir(mode=0o700)
    found = installed()
    package = found.postgres_bin.parents[1]
    shutil.copytree(package, private / package.name, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, private / libraries.name)
    shutil.copy2(found.valkey_server, private)
    return Binaries(private / package.name / "pginstall" / "bin", private / found.valkey_server.name)


def test_programs_in_the_open_are_run_where_they_are(place: Path) -> None:
    found = installed()
    own = Account(name="me", uid=1, gid=1, switch=False)
    assert reachable(found, own, place / "programs") == found
    assert not (place / "programs").exists()


def test_programs_behind_a_closed_door_are_copied_and_run(behind_a_closed_door: Binaries, place: Path) -> None:
    copied = reachable(behind_a_closed_door, STRANGER, place / "programs")

    assert STRANGER.can_enter(copied.postgres_bin)
    account = server_account()
    for command in ([copied.postgres("postgres"), "--version"], [str(copied.valkey_server), "--version"]):
        subprocess.run(command, check=True, capture_output=True, **run_as(account))
    # A second start finds them there.
    assert reachable(behind_a_closed_door, STRANGER, place / "programs") == copied
