"""Who the servers run as, and what that account must be able to enter."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.local.account import Account, require_reachable, run_as, server_account
from cli.local.errors import NotReachableError

STRANGER = Account(name="stranger", uid=54321, gid=54321, switch=True)


def test_a_private_directory_on_the_way_is_named(place: Path) -> None:
    data = place / "private" / "data"
    data.mkdir(parents=True)
    data.parent.chmod(0o700)

    with pytest.raises(NotReachableError) as raised:
        require_reachable(STRANGER, data, setting="GATEHOUSE_DATA_DIR")

    assert str(data.parent) in raised.value.problem
    assert f"chmod o+x {data.parent}" in raised.value.remedy
    assert "GATEHOUSE_DATA_DIR" in raised.value.remedy


def test_passage_is_enough_reading_is_not_needed(place: Path) -> None:
    require_reachable(STRANGER, place, setting="GATEHOUSE_DATA_DIR")


def test_the_callers_own_account_passes_everywhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    own = Account(name="me", uid=os.geteuid(), gid=os.getegid(), switch=False)
    assert own.barrier(tmp_path) is None
    assert run_as(own) == {}


def test_servers_never_run_as_root() -> None:
    assert server_account().uid != 0
