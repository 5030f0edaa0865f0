"""Cleans up after a run that was killed: `python -m tests.chaos.reaper DIRECTORY` waits until its standard input ends.

The run notes the leader of each session that it starts (`note`). When the run is gone, whatever is left of these
sessions is killed, what is mounted below the directory is unmounted, and the directory is removed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_LEADERS: Final = "leaders"
_started: list[Path] = []


def begin(directory: Path) -> subprocess.Popen[bytes]:
    """Start the reaper of a directory; it ends by itself after its standard input was closed, or we are gone."""
    _started[:] = [directory]
    return subprocess.Popen(
        [sys.executable, "-m", __name__, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )


def note(leader: int) -> None:
    """Write down the process id of a session's leader that this run has just started."""
    for directory in _started:
        with (directory / _LEADERS).open("a") as file:
            file.write(f"{leader} {_began(leader)}\n")


def reap(directory: Path) -> None:
    """Kill, unmount, remove."""
    leaders = directory / _LEADERS
    for line in leaders.read_text().splitlines() if leaders.exists() else ():
        pid, began = line.split()
        # A leader that is gone left its number to its session alone, unless that is gone too and it was reused.
        if _began(int(pid)) in (began, ""):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(int(pid), signal.SIGKILL)
    mounts = Path("/proc/mounts")
    for line in mounts.read_text().splitlines() if mounts.exists() else ():
        point = line.split()[1]
        if point.startswith(f"{directory}/"):
            subprocess.run(["umount", "--lazy", point], check=False)  # noqa: S607
    shutil.rmtree(directory, ignore_errors=True)


def _began(pid: int) -> str:
    """Return when a process began, in the kernel's ticks; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    reap(Path(sys.argv[1]))
