"""The data directory: what lies where, who may read it, and that only one supervisor uses it at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.local.account import Account, require_reachable, server_account
from cli.local.errors import AlreadyRunningError, NotWritableError

SETTING = "GATEHOUSE_DATA_DIR"
_MARK = "README"
_MARK_TEXT = "The local servers and secrets of Gatehouse (`make up`). Delete this directory to start afresh.\n"


@dataclass(frozen=True)
class DataDirectory:
    """`GATEHOUSE_DATA_DIR`. Nothing in it can be read by other users of the machine."""

    path: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's cluster, owned by the account that runs it."""
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's append-only files, owned by the account that runs it."""
        return self.path / "valkey"

    @property
    def logs(self) -> Path:
        """A rotating log of each process."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """Pid files, locks and the supervisor's generated configuration."""
        return self.path / "run"

    def account(self) -> Account:
        """Return the account that runs the servers on this directory."""
        return server_account(self.postgres)

    def prepare(self) -> None:
        """Create what is missing. Raises `NotWritableError` or `NotReachableError`.

        A directory that holds something else is left alone: its permissions are not ours to narrow.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not (self.path / _MARK).exists():
                if any(self.path.iterdir()):
                    raise NotWritableError(
                        f"{self.path} holds other files, so it is not used as a data directory.",
                        f"Set {SETTING} to a new or empty directory.",
                    )
                (self.path / _MARK).write_text(_MARK_TEXT)
            # Root's servers run as another user, who has to pass through; what lies inside stays private.
            self.path.chmod(0o711 if self.account().switch else 0o700)
            for directory in (self.logs, self.run):
                directory.mkdir(mode=0o700, exist_ok=True)
            probe = self.run / "writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise NotWritableError(
                f"The data directory {self.path} can't be written: {error.strerror}.",
                f"Give yourself the right, or set {SETTING} to a directory of your own.",
            ) from error
        require_reachable(self.account(), self.path, setting=SETTING)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold the directory for this process. Raises `AlreadyRunningError` when another one does."""
        descriptor = os.open(self.run / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = os.pread(descriptor, 20, 0).decode() or "unknown"
                raise AlreadyRunningError(
                    f"Gatehouse already runs on {self.path} (process {pid}).",
                    f"Stop it with: kill {pid}. Or start a second one: PORT=8001 {SETTING}=.gatehouse-2 make up",
                ) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(descriptor)
