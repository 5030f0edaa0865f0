"""Only processes that are provably ours are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.local import processes

WAITS = "import sys, signal; print('up', flush=True); signal.pause()"
WAITS_STUBBORNLY = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + WAITS


@contextmanager
def launched(identity: Path, code: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python code through the launcher, as the supervisor does: in a process group of its own."""
    command = [sys.executable, "-m", "cli.local.launch", str(identity), "-", sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield process
        process.kill()


def test_the_launcher_becomes_the_program_and_writes_down_who_it_is(tmp_path: Path) -> None:
    identity = tmp_path / "one.process"
    with launched(identity, WAITS) as process:
        assert processes.recorded(identity) == process.pid


def test_a_process_that_outlived_its_supervisor_is_stopped(tmp_path: Path) -> None:
    identity = tmp_path / "one.process"
    with launched(identity, WAITS) as process:
        assert processes.stop(identity, signal.SIGTERM, seconds=10)
        assert process.wait() == -signal.SIGTERM
    assert not identity.exists()


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    identity = tmp_path / "one.process"
    with launched(identity, WAITS_STUBBORNLY) as process:
        assert processes.stop(identity, signal.SIGTERM, seconds=0.1)
        assert process.wait() == -signal.SIGKILL


def test_another_process_with_the_same_pid_is_left_alone(tmp_path: Path) -> None:
    identity = tmp_path / "one.process"
    with launched(identity, WAITS) as process:
        identity.write_text(f"{process.pid} 1")
        assert not processes.stop(identity, signal.SIGTERM, seconds=1)
        assert process.poll() is None
    assert not identity.exists()


def test_a_zombie_does_not_run(tmp_path: Path) -> None:
    identity = tmp_path / "one.process"
    with launched(identity, WAITS) as process:
        process.kill()
        # Waits for its end without reaping it.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert processes.recorded(identity) is None


def test_files_that_say_nothing_stop_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "empty.process"
    empty.touch()
    assert not processes.stop(empty, signal.SIGTERM, seconds=1)
    assert not processes.stop(tmp_path / "missing.process", signal.SIGTERM, seconds=1)
