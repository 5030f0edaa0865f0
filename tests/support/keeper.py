"""The process that keeps the test servers: starts them, waits for the end of the run, stops them, removes their files.

Run as `python -m tests.support.keeper RUN_DIRECTORY`. It is a session of its own, so that neither Ctrl-C nor the death
of the tests' process group reaches it, and it ends when the lock of the run is let go (see `run`).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from cli.local.account import run_as, server_account
from cli.local.binaries import installed, reachable
from cli.local.ports import free_port
from cli.local.postgres import NOT_DURABLE, Postgres
from cli.local.postgres import wait_ready as wait_for_postgres
from cli.local.valkey import Valkey
from cli.local.valkey import wait_ready as wait_for_valkey
from tests.support.run import ALIVE, KEEPER, exclusive, lock_file

ADDRESSES = "servers.json"
MEMORY = Path("/dev/shm")  # noqa: S108  a directory of this run's own is made in it
MEMORY_NEEDED = 2 << 30
"""Bytes. Making and dropping a database for each test writes a lot; in memory that takes less than two thirds."""
SETTINGS = {**NOT_DURABLE, "scram_iterations": "1"}
"""Tests open connections by the thousand, and proving a password takes a third of each."""


def keep(run: Path) -> None:
    """Keep the servers of `run` until it ends; prints a line when they answer."""
    keeping = lock_file(run / KEEPER)
    data, cluster = run / "data", _roomy(run) / "cluster"
    data.mkdir(mode=0o711)
    cluster.mkdir(mode=0o711, parents=True)
    started: list[subprocess.Popen[bytes]] = []
    try:
        addresses = _start(data, cluster, started)
        (run / ADDRESSES).write_text(json.dumps(addresses))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        with exclusive(run / ALIVE):
            pass
    finally:
        for process in started:
            process.send_signal(signal.SIGQUIT if process is started[0] else signal.SIGKILL)
        for process in started:
            process.wait()
        # The main process may be gone, so this one also removes what it left. A failure to start leaves its log.
        shutil.rmtree(run if (run / ADDRESSES).exists() else data, ignore_errors=True)
        shutil.rmtree(_roomy(run), ignore_errors=True)
        os.close(keeping)


def _roomy(run: Path) -> Path:
    """Return where the run's databases lie: in memory when the system offers enough of it as a file system."""
    in_memory = MEMORY / run.name
    if in_memory.exists() or (os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED):
        return in_memory
    return run / "databases"


def _start(data: Path, cluster: Path, started: list[subprocess.Popen[bytes]]) -> dict[str, str]:
    account = server_account()
    binaries = reachable(installed(), account, data)
    postgres = Postgres(cluster / "postgres", free_port(), binaries, account, secrets.token_urlsafe(24))
    postgres.create()
    valkey = Valkey(data / "valkey", free_port(), binaries, account, secrets.token_urlsafe(24))
    valkey.configure(durable=False)
    commands = {postgres.data: postgres.argv(SETTINGS), valkey.data: valkey.argv()}
    for home, command in commands.items():
        with (data / f"{home.name}.log").open("wb") as log:
            started.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=home, **run_as(account)))
    wait_for_postgres(postgres.superuser_url(), lambda: started[0].poll() is not None, log=data / "postgres.log")
    wait_for_valkey(valkey.url(), lambda: started[1].poll() is not None, log=data / "valkey.log")
    return {"superuser_url": postgres.superuser_url(), "redis_url": valkey.url()}


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
