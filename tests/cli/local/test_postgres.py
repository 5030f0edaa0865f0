"""What can be wrong with a cluster before it runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.local.account import server_account
from cli.local.binaries import installed, reachable
from cli.local.errors import OtherVersionError, ServerFailedError
from cli.local.postgres import Postgres


def cluster(data: Path) -> Postgres:
    account = server_account()
    return Postgres(data, 1, reachable(installed(), account, data.parent), account, "it's secret")


def test_data_of_another_version_is_refused_in_words(place: Path) -> None:
    (place / "PG_VERSION").write_text("15\n")
    with pytest.raises(OtherVersionError) as raised:
        cluster(place).require_same_version()
    assert "PostgreSQL 15, but PostgreSQL 18" in raised.value.problem
    assert "GATEHOUSE_DATA_DIR" in raised.value.remedy


@pytest.mark.parametrize("pid", [os.getpid(), 2**22 + 1], ids=["of another program", "of nobody"])
def test_a_stale_pid_file_is_removed(place: Path, pid: int) -> None:
    (place / "postmaster.pid").write_text(f"{pid}\n{place}\n")
    cluster(place).clear_stale_pid()
    assert not (place / "postmaster.pid").exists()


def test_without_a_pid_file_there_is_nothing_to_clear(place: Path) -> None:
    cluster(place).clear_stale_pid()


def test_a_path_too_long_for_a_socket_has_none(place: Path) -> None:
    assert cluster(place).socket_directory() == str(place)
    assert cluster(place / ("long" * 30)).socket_directory() == ""


def test_a_cluster_that_cannot_be_made_says_why(place: Path) -> None:
    data = place / "postgres"
    data.mkdir()
    (data / "something").touch()
    with pytest.raises(ServerFailedError, match="exists but is not empty"):
        cluster(data).create()
    assert not data.with_name("postgres.password").exists()


def test_urls_carry_any_password(place: Path) -> None:
    assert cluster(place).superuser_url() == "postgresql://postgres:it%27s%20secret@127.0.0.1:1/postgres"
