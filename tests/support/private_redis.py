"""A Redis server of one test alone, which may be stopped and started at will."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from cli.local.account import run_as, server_account
from cli.local.binaries import installed, reachable
from cli.local.ports import free_port
from cli.local.valkey import Valkey, wait_ready


class PrivateRedis:
    """A server that keeps nothing, unless it is `durable`: what it held is gone when it stops."""

    def __init__(self, *, durable: bool = False) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="gatehouse-redis-"))
        self._directory.chmod(0o711)
        self._account = server_account()
        binaries = reachable(installed(), self._account, self._directory)
        self._server = Valkey(
            self._directory / "valkey", free_port(), binaries, self._account, secrets.token_urlsafe(24)
        )
        self._server.configure(durable=durable)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's address, which stays the same."""
        return self._server.url()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with (self._directory / "valkey.log").open("ab") as log:
            process = subprocess.Popen(self._server.argv(), stdout=log, stderr=log, **run_as(self._account))
        self._process = process
        wait_ready(self.url, lambda: process.poll() is not None, log=self._directory / "valkey.log")

    def stop(self) -> None:
        """Kill the server."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let the server hang: it accepts connections and answers nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the server go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
