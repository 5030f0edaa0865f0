"""One test run: a directory that all of its processes share, and a lock that tells when the run is over.

The kernel lets go of the lock when the process that holds it ends, however it ends. Whoever waits for the lock (the
keeper of the servers) therefore always learns of it, without polling and without relying on clean-up code.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ALIVE = "alive"
"""Locked by the run's main process for as long as it lives."""
KEEPER = "keeper"
"""Locked by the keeper for as long as servers run."""


class Run:
    """The main process's side of a run: made at its start, ended at its end."""

    def __init__(self) -> None:
        """Make the directory and take the lock."""
        self.directory = Path(tempfile.mkdtemp(prefix="gatehouse-tests-"))
        # Passage for the account that the servers run as when the tests run as root.
        self.directory.chmod(0o711)
        self._alive = lock_file(self.directory / ALIVE)

    def end(self) -> None:
        """Let the keeper stop the servers, and return when they are gone."""
        os.close(self._alive)
        # The keeper, if there is one, may have removed the directory by now: then there is nothing to wait for.
        with suppress(FileNotFoundError), exclusive(self.directory / KEEPER):
            pass
        shutil.rmtree(self.directory, ignore_errors=True)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of `path`, waiting for it."""
    descriptor = lock_file(path)
    try:
        yield
    finally:
        os.close(descriptor)


def lock_file(path: Path) -> int:
    """Take the lock of `path`, waiting for it; closing the returned descriptor gives it back."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor
