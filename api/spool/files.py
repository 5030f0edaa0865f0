"""The spool in files: appended, synchronized to the disk, locked by the process that owns them.

Each file belongs to one living process, which holds its lock; the kernel lets go of the lock however the process ends,
and whoever finds the file unlocked then takes it over. Names begin with the time, so that they sort by age.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.spool.frames import frame, payloads
from domain.kernel.errors import GatehouseError
from domain.kernel.ids import new_id

SUFFIX: Final = ".spool"
_HIDDEN: Final = ".new"
REJECTED: Final = "rejected"
LIMIT: Final = 256 << 20
"""Bytes that one process keeps at most: some hundred thousand texts."""
PIECE: Final = 8 << 20
"""Bytes after which a new file is begun, so that one is read and removed at a time."""
_CHECKED: Final = 64 << 10
"""Bytes for which there has to be room: the longest webhook."""


class SpoolFullError(GatehouseError):
    """As much is kept as may be."""


@dataclass(slots=True)
class _File:
    path: Path
    descriptor: int
    size: int
    """Bytes that are on the disk for certain."""


class FileStore:
    """The files of one process in `directory`. Thread-safe; all methods wait for the disk."""

    def __init__(self, directory: Path, *, limit: int = LIMIT, piece: int = PIECE) -> None:
        self._directory = directory
        self._limit = limit
        self._piece = piece
        self._lock = threading.Lock()
        self._current: _File | None = None
        self._sealed: list[_File] = []

    @property
    def empty(self) -> bool:
        """Whether this process keeps nothing."""
        return self._current is None and not self._sealed

    def append(self, entries: Sequence[bytes]) -> None:
        """Return once all entries are on the disk. Raises OSError and SpoolFullError: then none of them counts."""
        written = b"".join(map(frame, entries))
        with self._lock:
            kept = sum(file.size for file in self._sealed) + (self._current.size if self._current else 0)
            if kept + len(written) > self._limit:
                raise SpoolFullError("The spool's files hold as much as they may.")
            if self._current is None or self._current.size >= self._piece:
                self._seal()
                self._current = self._create()
            try:
                _write(self._current.descriptor, written)
            except OSError:
                self._give_up()
                raise
            self._current.size += len(written)

    def take(self) -> Path | None:
        """Return the oldest file that has to be brought in, this process's own included; None when there is none.

        It is not appended to any more. It stays until `remove`.
        """
        with self._lock:
            self._adopt()
            if not self._sealed:
                self._seal()
            return self._sealed[0].path if self._sealed else None

    def entries(self, path: Path) -> Sequence[bytes]:
        """Return the entries of a file that `take` returned, oldest first. Raises OSError."""
        return entries_of(path)

    def remove(self, path: Path) -> None:
        """Remove a file that `take` returned, whose entries are in the database now."""
        with self._lock:
            for file in [file for file in self._sealed if file.path == path]:
                path.unlink(missing_ok=True)
                os.close(file.descriptor)
                self._sealed.remove(file)

    def reject(self, entry: bytes) -> None:
        """Keep an entry aside for a person, as a line of a file, because the database can't take it. Raises OSError."""
        with self._lock:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._directory / REJECTED, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                _write(descriptor, entry + b"\n")
            finally:
                os.close(descriptor)

    def check(self) -> None:
        """Raise OSError or SpoolFullError unless an entry could be kept now."""
        with self._lock:
            if sum(file.size for file in self._sealed) + self._piece > self._limit:
                raise SpoolFullError("The spool's files hold as much as they may.")
            hidden, descriptor = self._open_hidden()
            try:
                _write(descriptor, bytes(_CHECKED))
            finally:
                hidden.unlink(missing_ok=True)
                os.close(descriptor)

    def tidy(self) -> None:
        """Remove what processes that were killed left before it had its name; nothing that was ever told of is there.

        What a living process is about to name is locked by it. Raises nothing.
        """
        for left in filter(None, map(_lock, waiting_files(self._directory, _HIDDEN))):
            with suppress(OSError):
                left.path.unlink()
            os.close(left.descriptor)

    def close(self) -> None:
        """Let go of the files, for whoever comes next."""
        with self._lock:
            self._seal()
            for file in self._sealed:
                os.close(file.descriptor)
            self._sealed.clear()

    def _open_hidden(self) -> tuple[Path, int]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            hidden = self._directory / f"{time.time_ns():020}-{new_id().hex}{_HIDDEN}"
            descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            try:
                if _locked(hidden, descriptor):
                    return hidden, descriptor
            except OSError:
                hidden.unlink(missing_ok=True)
                os.close(descriptor)
                raise
            os.close(descriptor)  # another process tidied it away before it was locked

    def _create(self) -> _File:
        """Return a new, empty, locked file. It gets its name after its lock, or another process might take it over."""
        hidden, descriptor = self._open_hidden()
        path = hidden.with_suffix(SUFFIX)
        try:
            hidden.rename(path)
            _synchronize(self._directory)
        except OSError:
            os.close(descriptor)
            for name in (hidden, path):
                name.unlink(missing_ok=True)
            raise
        return _File(path, descriptor, 0)

    def _give_up(self) -> None:
        """Append no more to the current file: what is on the disk behind its last whole entry is unknown."""
        file, self._current = self._current, None
        if file is None:
            return
        with suppress(OSError):
            os.ftruncate(file.descriptor, file.size)
        if file.size:
            self._sealed.append(file)
        else:
            file.path.unlink(missing_ok=True)
            os.close(file.descriptor)

    def _seal(self) -> None:
        if self._current is not None:
            self._sealed.append(self._current)
            self._current = None

    def _adopt(self) -> None:
        """Take over files that nobody holds."""
        own = {file.path for file in self._sealed} | ({self._current.path} if self._current else set())
        for path in waiting_files(self._directory):
            if path not in own and (file := _lock(path)) is not None:
                self._sealed.append(file)
        self._sealed.sort(key=lambda file: file.path.name)


def waiting_files(directory: Path, suffix: str = SUFFIX) -> list[Path]:
    """Return the files of all processes that hold entries, oldest first."""
    try:
        return sorted(path for path in directory.iterdir() if path.suffix == suffix)
    except OSError:
        return []


def entries_of(path: Path) -> list[bytes]:
    """Return the entries of a file, oldest first; none when it is gone."""
    try:
        return list(payloads(path.read_bytes()))
    except FileNotFoundError:
        return []


def _lock(path: Path) -> _File | None:
    """Return a file locked for this process; None when another holds it or has removed it meanwhile."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    except OSError:
        return None
    with suppress(OSError):
        if _locked(path, descriptor):
            return _File(path, descriptor, os.fstat(descriptor).st_size)
    os.close(descriptor)
    return None


def _locked(path: Path, descriptor: int) -> bool:
    """Lock an open file and return whether it is this process's now, and still the one of that name. Raises OSError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held, named = os.fstat(descriptor), path.stat()
    except (BlockingIOError, FileNotFoundError):
        return False
    return (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)


def _write(descriptor: int, written: bytes) -> None:
    done = 0
    while done < len(written):
        done += os.write(descriptor, written[done:])
    os.fsync(descriptor)


def _synchronize(directory: Path) -> None:
    """Take a directory's names to the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
