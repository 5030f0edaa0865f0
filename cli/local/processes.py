"""Find processes of ours that outlived their supervisor, and stop them, never touching anybody else's.

A pid alone proves nothing: pids are reused. So a process is known by its pid and the moment it started, both written
down by the process itself (see `launch`) and compared before any signal is sent.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from cli.local.errors import ServerFailedError

_RECHECK_SECONDS = 0.05


def identity(pid: int) -> str | None:
    """Return what tells this process from a later one with the same pid; None when it is gone (or a zombie)."""
    proc = Path("/proc/self/stat")
    return _identity_from_proc(pid) if proc.exists() else _identity_from_ps(pid)


def _identity_from_proc(pid: int) -> str | None:
    try:
        line = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command's name is in parentheses and may hold anything, so count from the last one.
    values = line.rpartition(")")[2].split()
    state, started = values[0], values[19]
    return None if state in "ZX" else f"{pid} {started}"


def _identity_from_ps(pid: int) -> str | None:
    done = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        env={"LC_ALL": "C", "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, started = done.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else f"{pid} {started.strip()}"


def command_line(pid: int) -> str:
    """Return the command that a process runs, empty when it is gone."""
    path = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/stat").exists():
        try:
            return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    done = subprocess.run(["/bin/ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def record(path: Path) -> None:
    """Write down the identity of this process."""
    path.write_text(identity(os.getpid()) or "")


def recorded(path: Path) -> int | None:
    """Return the pid of the process that wrote `path` if that very process still runs."""
    try:
        text = path.read_text()
    except OSError:
        return None
    pid = int(text.split()[0]) if text.strip() else 0
    return pid if pid and identity(pid) == text else None


def stop(path: Path, gently: signal.Signals, *, seconds: float) -> bool:
    """Stop the process that wrote `path`, if it still runs; return whether it did.

    It gets `gently` first and SIGKILL after `seconds`. Raises `ServerFailedError` when even that does not end it.
    """
    pid = recorded(path)
    if pid is not None:
        for number, patience in ((gently, seconds), (signal.SIGKILL, 10.0)):
            # The supervisor made each of its programs lead a process group, so that its children go with it.
            (os.killpg if number == signal.SIGKILL else os.kill)(pid, number)
            if _gone(path, patience):
                break
        else:
            raise ServerFailedError(f"Process {pid} of an earlier start does not end.", f"Look at it with: ps {pid}")
    path.unlink(missing_ok=True)
    return pid is not None


def _gone(path: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while recorded(path) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_RECHECK_SECONDS)
    return True
