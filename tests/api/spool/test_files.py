"""Files of the spool: on the disk before anybody is told so, owned by the living, inherited from the dead."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.spool.files import FileStore, SpoolFullError, entries_of, waiting_files
from api.spool.frames import frame
from tests.support.eventually import eventually
from tests.support.servers import ROOT

_KEEPER = """
import sys, time
from pathlib import Path
from api.spool.files import FileStore
store = FileStore(Path(sys.argv[1]))
store.append([b"one", b"two"])
print("kept", flush=True)
time.sleep(60)
"""

# Stopped at the write, as by a kill: between opening a file and giving it its name, or removing it.
_KILLED = """
import os, sys
from pathlib import Path
from api.spool import files
files._write = lambda *_: (print("begun", flush=True), sys.stdin.read(), os._exit(9))
files.FileStore(Path(sys.argv[1])).check()
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def store(directory: Path) -> Iterator[FileStore]:
    opened = FileStore(directory, piece=200)
    yield opened
    opened.close()


def _drain(store: FileStore) -> list[bytes]:
    entries: list[bytes] = []
    while (path := store.take()) is not None:
        entries += store.entries(path)
        store.remove(path)
    return entries


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """Let writes beyond `size` bytes of a file fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_entries_come_back_in_order_over_many_files(store: FileStore, directory: Path) -> None:
    entries = [f"entry {number}".encode() for number in range(60)]
    for entry in entries:
        store.append([entry])
    assert len(waiting_files(directory)) > 3
    assert _drain(store) == entries
    assert waiting_files(directory) == []


def test_what_comes_while_a_file_is_brought_in_goes_to_the_next(store: FileStore) -> None:
    store.append([b"one"])
    path = store.take()
    assert path is not None
    store.append([b"two"])
    assert store.take() == path
    assert store.entries(path) == [b"one"]
    store.remove(path)
    assert not store.empty
    assert _drain(store) == [b"two"]


def test_nobody_else_can_read_what_is_kept(store: FileStore, directory: Path) -> None:
    store.append([b"one"])
    store.reject(b"{}")
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_the_files_of_a_living_process_are_its_own(directory: Path, store: FileStore) -> None:
    store.append([b"mine"])
    other = FileStore(directory)
    assert other.take() is None
    other.append([b"other"])
    assert _drain(other) == [b"other"]
    assert _drain(store) == [b"mine"]


def test_whoever_comes_inherits_from_a_process_that_was_killed(directory: Path, store: FileStore) -> None:
    keeper = subprocess.Popen([sys.executable, "-c", _KEEPER, str(directory)], cwd=ROOT, stdout=subprocess.PIPE)
    assert keeper.stdout is not None
    with keeper.stdout as said:
        assert said.readline() == b"kept\n"
    assert store.take() is None
    keeper.kill()
    keeper.wait()
    store.append([b"three"])
    eventually(store.take, what="The inheritance")
    assert _drain(store) == [b"one", b"two", b"three"]


def test_what_a_killed_process_had_not_named_yet_is_removed_and_a_living_ones_is_not(
    directory: Path, store: FileStore
) -> None:
    command = [sys.executable, "-c", _KILLED, str(directory)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    with process.stdout as said, process.stdin:
        assert said.readline() == b"begun\n"
        store.append([b"one"])
        store.tidy()
        assert len(list(directory.glob("*.new"))) == 1
        process.kill()
        process.wait()
    store.tidy()
    assert not list(directory.glob("*.new"))
    assert _drain(store) == [b"one"]


def test_two_heirs_do_not_share(directory: Path) -> None:
    first = FileStore(directory)
    first.append([b"one"])
    first.close()
    heirs = [FileStore(directory) for _ in range(2)]
    taken = [heir.take() for heir in heirs]
    assert [path is None for path in taken] == [False, True]
    assert [_drain(heir) for heir in heirs] == [[b"one"], []]


def test_a_torn_tail_is_no_entry(directory: Path, store: FileStore) -> None:
    directory.mkdir()
    (directory / "0001-a.spool").write_bytes(frame(b"whole") + frame(b"torn")[:-2])
    assert _drain(store) == [b"whole"]


def test_a_full_disk_refuses_and_keeps_what_it_has(store: FileStore, directory: Path) -> None:
    store.append([b"one"])
    with _files_of_at_most(20):
        with pytest.raises(OSError, match="File too large"):
            store.append([b"two" * 10])
        with pytest.raises(OSError, match="File too large"):
            store.append([b"two" * 10])
        with pytest.raises(OSError, match="File too large"):
            store.check()
    assert [entries_of(path) for path in waiting_files(directory)] == [[b"one"]]
    store.check()
    store.append([b"three"])
    assert _drain(store) == [b"one", b"three"]
    assert list(directory.iterdir()) == []


def test_the_spool_has_a_size(directory: Path) -> None:
    store = FileStore(directory, limit=300, piece=100)
    with pytest.raises(SpoolFullError):
        for _ in range(100):
            store.append([b"x" * 20])
    with pytest.raises(SpoolFullError):
        store.check()
    kept = _drain(store)
    assert 5 < len(kept) < 12
    store.append([b"room again"])
    store.check()
    store.close()


def test_a_directory_that_cannot_be_made_refuses(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    store = FileStore(tmp_path / "spool")
    with pytest.raises(OSError, match="exists"):
        store.append([b"one"])
    assert store.take() is None
